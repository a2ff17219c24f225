extension LoadReport {
    /// The published schema of `json()`, as JSON Schema 2020-12. Members that are optional may be missing; members that
    /// are not named here may come to be under the same number.
    public static let jsonSchema = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "$id": "urn:oap-bench-report:1",
          "title": "Report of a load run by oap-bench",
          "description": "Times are microseconds unless a name says otherwise.",
          "type": "object",
          "required": ["schema", "tool", "environment", "plan", "startedAt", "outcome", "latency", "serviceTime",
            "scheduleLag", "generator", "statuses", "losses", "series", "thresholds", "verdict"],
          "properties": {
            "schema": {"const": "oap-bench-report/1"},
            "tool": {
              "type": "object",
              "required": ["name", "version"],
              "properties": {"name": {"type": "string"}, "version": {"type": "string"}}
            },
            "environment": {
              "description": "The machine that the generator ran on.",
              "type": "object",
              "required": ["architecture", "kernel", "processor", "processorsCount", "memoryBytes", "loop"],
              "properties": {
                "architecture": {"type": "string"},
                "kernel": {"type": "string"},
                "processor": {"type": "string"},
                "processorsCount": {"$ref": "#/$defs/count"},
                "memoryBytes": {"$ref": "#/$defs/count"},
                "loop": {"type": "string", "description": "The generator's own kernel interface: io_uring or epoll."}
              }
            },
            "plan": {
              "description": "What was asked for.",
              "type": "object",
              "required": ["mode", "server", "workload", "connections", "depth", "idleConnections", "threads", "tenants", "keys", "seed",
                "warmupSeconds", "durationSeconds", "expectedStatuses"],
              "properties": {
                "mode": {"enum": ["open", "closed"]},
                "server": {"type": "string"},
                "workload": {"type": "string"},
                "scenario": {"type": "string"},
                "rate": {"type": "number", "description": "Requests a second at the end of the ramp; open loop only."},
                "arrival": {"type": "string", "description": "constant, poisson or burst; open loop only."},
                "burst": {"$ref": "#/$defs/count", "description": "Requests that are due at once."},
                "rampFromRate": {"type": "number", "description": "Requests a second at the start of the ramp."},
                "rampSeconds": {"$ref": "#/$defs/amount"},
                "connections": {"$ref": "#/$defs/count"},
                "depth": {"$ref": "#/$defs/count", "description": "Most requests in flight on one connection."},
                "requestsPerConnection": {"$ref": "#/$defs/count", "description": "After which a connection is replaced."},
                "idleConnections": {"$ref": "#/$defs/count"},
                "threads": {"$ref": "#/$defs/count"},
                "tenants": {"$ref": "#/$defs/count"},
                "tenantChoice": {"type": "string", "description": "uniform or zipf(EXPONENT)."},
                "keys": {"$ref": "#/$defs/count"},
                "keyChoice": {"type": "string", "description": "uniform or zipf(EXPONENT)."},
                "hitRatio": {"$ref": "#/$defs/amount", "description": "Share of keys that are in the index."},
                "keysPerRequest": {"$ref": "#/$defs/count"},
                "payloadBytes": {"$ref": "#/$defs/count"},
                "seed": {"$ref": "#/$defs/count"},
                "warmupSeconds": {"$ref": "#/$defs/amount"},
                "durationSeconds": {"$ref": "#/$defs/amount"},
                "scheduleLagMaxSeconds": {"$ref": "#/$defs/amount", "description": "How late 99 % of the requests were allowed to leave with a connection free; absent for the generator's own limits."},
                "expectedStatuses": {"type": "array", "items": {"type": "integer"}}
              }
            },
            "startedAt": {"type": "string", "description": "UTC, ISO 8601: when the first measured request was due."},
            "outcome": {
              "description": "Counts over the measured time, without warm-up.",
              "type": "object",
              "required": ["elapsedSeconds", "requestsDue", "requestsSent", "answers", "successes", "errors",
                "unanswered", "unsent", "invalidAnswers", "unexpectedFrames", "connects", "connectionsLost", "goAways",
                "answersPerSecond", "inFlightMean", "inFlightMax", "bytesOut", "bytesIn", "wasInterrupted",
                "wasAborted"],
              "properties": {
                "elapsedSeconds": {"$ref": "#/$defs/amount"},
                "requestsDue": {"$ref": "#/$defs/count"},
                "requestsSent": {"$ref": "#/$defs/count"},
                "answers": {"$ref": "#/$defs/count"},
                "successes": {"$ref": "#/$defs/count"},
                "errors": {"$ref": "#/$defs/count", "description": "Requests due that are no success."},
                "unanswered": {"$ref": "#/$defs/count"},
                "unsent": {"$ref": "#/$defs/count"},
                "invalidAnswers": {"$ref": "#/$defs/count"},
                "unexpectedFrames": {"$ref": "#/$defs/count"},
                "connects": {"$ref": "#/$defs/count", "description": "Begun in mid-run."},
                "connectionsLost": {"$ref": "#/$defs/count"},
                "goAways": {"$ref": "#/$defs/count"},
                "answersPerSecond": {"$ref": "#/$defs/amount"},
                "inFlightMean": {"$ref": "#/$defs/amount"},
                "inFlightMax": {"$ref": "#/$defs/count", "description": "Exact with one thread; with several the sum of each one's own, an upper bound."},
                "bytesOut": {"$ref": "#/$defs/count"},
                "bytesIn": {"$ref": "#/$defs/count"},
                "wasInterrupted": {"type": "boolean"},
                "wasAborted": {"type": "boolean"}
              }
            },
            "latency": {"$ref": "#/$defs/latency", "description": "From the moment a request was due to its answer."},
            "serviceTime": {"$ref": "#/$defs/latency", "description": "From the send to the answer."},
            "scheduleLag": {"$ref": "#/$defs/latency", "description": "From the moment a request was due to its send."},
            "connectTime": {"$ref": "#/$defs/latency", "description": "Of replaced connections, begin to end of a connect."},
            "generator": {
              "description": "Whether the generator was able to offer what it was asked for.",
              "type": "object",
              "required": ["userMicroseconds", "systemMicroseconds", "processorShareMax", "microsecondsPerRequest",
                "bottlenecks", "notes"],
              "properties": {
                "userMicroseconds": {"$ref": "#/$defs/count"},
                "systemMicroseconds": {"$ref": "#/$defs/count"},
                "processorShareMax": {"$ref": "#/$defs/amount", "description": "Of its busiest thread, 0 to 1."},
                "processorWaitShareMax": {"$ref": "#/$defs/amount", "description": "Ready to run and without a processor: of the thread that waited most, 0 to 1."},
                "microsecondsPerRequest": {"$ref": "#/$defs/amount"},
                "bottlenecks": {"type": "array", "items": {"type": "string"}},
                "notes": {"type": "array", "items": {"type": "string"}}
              }
            },
            "statuses": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["status", "count", "isExpected"],
                "properties": {
                  "status": {"type": "integer"},
                  "code": {"type": "string", "description": "Of an error's body; ? when none fits the status."},
                  "count": {"$ref": "#/$defs/count"},
                  "isExpected": {"type": "boolean"}
                }
              }
            },
            "losses": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["reason", "count"],
                "properties": {"reason": {"type": "string"}, "count": {"$ref": "#/$defs/count"}}
              }
            },
            "series": {
              "description": "What happened in each second, or in longer stretches of a run of more than an hour.",
              "type": "array",
              "maxItems": 3600,
              "items": {
                "type": "object",
                "required": ["offsetSeconds", "lengthSeconds", "due", "sent", "answers", "errors", "inFlight", "p50",
                  "p99", "p999", "max", "lagMax"],
                "properties": {
                  "offsetSeconds": {"type": "number"},
                  "lengthSeconds": {"$ref": "#/$defs/amount"},
                  "due": {"$ref": "#/$defs/count"},
                  "sent": {"$ref": "#/$defs/count"},
                  "answers": {"$ref": "#/$defs/count"},
                  "errors": {"$ref": "#/$defs/count"},
                  "inFlight": {"$ref": "#/$defs/count", "description": "At its end."},
                  "p50": {"$ref": "#/$defs/amount"},
                  "p99": {"$ref": "#/$defs/amount"},
                  "p999": {"$ref": "#/$defs/amount"},
                  "max": {"$ref": "#/$defs/amount"},
                  "lagMax": {"$ref": "#/$defs/amount"}
                }
              }
            },
            "thresholds": {
              "type": "array",
              "items": {
                "type": "object",
                "required": ["expression", "passed"],
                "properties": {
                  "expression": {"type": "string"},
                  "measured": {"type": "number", "description": "Missing when nothing of the kind was measured."},
                  "passed": {"type": "boolean"}
                }
              }
            },
            "verdict": {"enum": ["passed", "failed", "missed", "unusable"]}
          },
          "$defs": {
            "count": {"type": "integer", "minimum": 0},
            "amount": {"type": "number", "minimum": 0},
            "latency": {
              "type": "object",
              "required": ["count", "mean", "standardDeviation", "min", "max", "percentiles", "buckets"],
              "properties": {
                "count": {"$ref": "#/$defs/count"},
                "mean": {"$ref": "#/$defs/amount"},
                "standardDeviation": {"$ref": "#/$defs/amount"},
                "min": {"$ref": "#/$defs/amount"},
                "max": {"$ref": "#/$defs/amount"},
                "percentiles": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "required": ["percentile", "microseconds"],
                    "properties": {
                      "percentile": {"$ref": "#/$defs/amount"},
                      "microseconds": {"$ref": "#/$defs/amount"}
                    }
                  }
                },
                "buckets": {
                  "description": "Ascending; microseconds is the highest time that the bucket holds.",
                  "type": "array",
                  "items": {
                    "type": "object",
                    "required": ["microseconds", "count"],
                    "properties": {"microseconds": {"$ref": "#/$defs/amount"}, "count": {"$ref": "#/$defs/count"}}
                  }
                }
              }
            }
          }
        }
        """#
}
