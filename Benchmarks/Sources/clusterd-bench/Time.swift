import Foundation

/// Seconds of CLOCK_MONOTONIC.
func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Polls until the condition holds; false if the limit in seconds passes first. The pause is in microseconds.
func eventually(within limit: Double, every pause: useconds_t = 5000, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = seconds() + limit
    while seconds() < end {
        if try condition() { return true }
        usleep(pause)
    }
    return false
}

/// The same as a requirement: throws what was waited for.
func require(_ what: String, within limit: Double, every pause: useconds_t = 5000, _ condition: () throws -> Bool)
    throws
{
    guard try eventually(within: limit, every: pause, condition) else {
        throw Trouble("\(what): not within \(decimal(limit)) s")
    }
}

func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
