extension Collection<UInt8> {
    /// The number that these bytes spell in decimal digits; nil if they are empty, contain anything else, or overflow.
    var decimal: UInt64? {
        guard !isEmpty else { return nil }
        var number: UInt64 = 0
        for byte in self {
            guard (48...57).contains(byte) else { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - 48))
            if overflow || carry { return nil }
            number = sum
        }
        return number
    }

    /// Like `decimal`, with an optional minus.
    var signedDecimal: Int64? {
        if first == UInt8(ascii: "-") {
            guard let number = dropFirst().decimal, number <= UInt64(Int64.max) else { return nil }
            return -Int64(number)
        }
        return decimal.flatMap { Int64(exactly: $0) }
    }
}
