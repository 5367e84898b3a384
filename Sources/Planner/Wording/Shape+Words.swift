extension Record.Shape {
    /// `3 masters with 1 replica each`
    package var words: String {
        "\(masters) \(masters == 1 ? "master" : "masters") with \(replicas) \(replicas == 1 ? "replica" : "replicas") each"
    }
}
