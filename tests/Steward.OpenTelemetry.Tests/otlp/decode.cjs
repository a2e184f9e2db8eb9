// Decodes OTLP/HTTP protobuf requests: one base64 line on standard input each; writes one JSON array of spans.
const root = require('@opentelemetry/otlp-transformer/build/src/generated/root');
const request = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
const hex = bytes => Buffer.from(bytes || []).toString('hex');
const value = v => {
  if (v.arrayValue) return (v.arrayValue.values || []).map(value);
  if (v.intValue !== undefined && v.intValue !== null) return { int: String(v.intValue) };
  if (v.doubleValue !== undefined && v.doubleValue !== null) return { double: v.doubleValue };
  if (v.boolValue !== undefined && v.boolValue !== null) return v.boolValue;
  return v.stringValue;
};
const attributes = list => Object.fromEntries((list || []).map(a => [a.key, value(a.value)]));
const spans = [];
for (const line of require('fs').readFileSync(0, 'utf8').split('\n').filter(l => l)) {
  const decoded = request.toObject(request.decode(Buffer.from(line, 'base64')), { longs: String, bytes: Buffer, oneofs: false });
  for (const resource of decoded.resourceSpans || [])
    for (const scope of resource.scopeSpans || [])
      for (const s of scope.spans || [])
        spans.push({
          scope: scope.scope && scope.scope.name, resource: attributes(resource.resource && resource.resource.attributes),
          trace: hex(s.traceId), id: hex(s.spanId), parent: hex(s.parentSpanId), name: s.name, kind: s.kind,
          start: s.startTimeUnixNano, end: s.endTimeUnixNano, attributes: attributes(s.attributes),
          events: (s.events || []).map(e => ({ name: e.name, time: e.timeUnixNano, attributes: attributes(e.attributes) })),
          links: (s.links || []).map(l => ({ trace: hex(l.traceId), id: hex(l.spanId) })),
          status: (s.status && s.status.code) || 0, message: (s.status && s.status.message) || '',
        });
}
process.stdout.write(JSON.stringify(spans));
