import ControlAPI
import ControlServer
import Foundation
import FoundationNetworking
import NIOPosix
import Testing

@Suite struct NetworkTests {
    /// The status and body of one GET over TCP.
    private func get(_ port: Int, _ path: String, method: String = "GET") async throws -> (Int, String) {
        var request = URLComponents()
        request.scheme = "http"
        request.host = "127.0.0.1"
        request.port = port
        request.path = path
        var call = URLRequest(url: try #require(request.url))
        call.httpMethod = method
        call.timeoutInterval = 10
        let (data, response) = try await URLSession.shared.data(for: call)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    }

    @Test func theNetworkListenerServesOnlyReadOnlyEndpoints() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await ControlServer.start(host: "127.0.0.1", port: 0, on: loops) { request, peer in
            peer == nil && request == .metrics ? .metrics("clusterd_up 1\n") : .document(["\(request)"])
        }
        let port = try #require(server.port)
        #expect(try await get(port, "/metrics") == (200, "clusterd_up 1\n"))
        for path in ["/livez", "/servingz", "/readyz"] { #expect(try await get(port, path).0 == 200) }
        for path in ["/v1/status", "/v1/operations"] {
            let (status, body) = try await get(port, path)
            #expect(status == 403 && body.contains("not-here"))
        }
        #expect(try await get(port, "/v1/stop", method: "POST").0 == 403)
        // The error for an unknown path names only the calls that the network offers.
        let (status, body) = try await get(port, "/nowhere")
        #expect(status == 404 && body.contains("GET /servingz") && body.contains("GET /metrics"), "\(body)")
        #expect(!body.contains("/v1/"), "\(body)")
        await server.stop()
        try await loops.shutdownGracefully()
    }
}
