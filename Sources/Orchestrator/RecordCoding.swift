import ControlAPI
import Planner

/// `state.json`: the record as JSON.
package enum RecordCoding {
    package enum Failure: Error, Sendable, Equatable {
        case newer(schema: Int)
        case unreadable(String)
    }

    package static func encode(_ record: Record) -> [UInt8]? {
        try? ControlJSON.encode(record, pretty: true) + [10]
    }

    package static func decode(_ bytes: [UInt8]) throws(Failure) -> Record {
        let schema: Int
        do {
            schema = try ControlJSON.decode(Schema.self, from: bytes).schema
        } catch {
            throw .unreadable("it is not JSON written by clusterd")
        }
        guard schema <= Record.schema else { throw .newer(schema: schema) }
        do {
            var record = try ControlJSON.decode(Record.self, from: bytes)
            // A record in an older schema is written in the current one.
            record.schema = Record.schema
            return record
        } catch {
            throw .unreadable("\(error)")
        }
    }

    private struct Schema: Decodable { var schema: Int }
}
