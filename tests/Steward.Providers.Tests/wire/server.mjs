// The fake provider of these tests: prints its port, and ends when its standard input does.
import { LLMock } from "@copilotkit/aimock";

const mock = new LLMock({ host: "127.0.0.1", port: 0, logLevel: "silent" });
mock.onMessage("answer with malformed arguments", {
  toolCalls: [
    { id: "toolu_1", name: "weather", arguments: '{"city":"Oslo' },
    { id: "toolu_2", name: "weather", arguments: '{"city":"Rome"}' },
  ],
});
await mock.start();
console.log(mock.port);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
