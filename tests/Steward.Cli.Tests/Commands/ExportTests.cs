using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Steward.Cli.Tests.Commands;

public sealed class ExportTests
{
    private const string Script = """
        prices: { input: 1, output: 5 }
        turns:
          - when: { turn: 1 }
            say: I look at the clock.
            call: { tool: clock, arguments: { n: 1 } }
          - when: { tool_result: clock }
            say: "It says: {{result}}"
        """;

    [Fact]
    public async Task Export_RecordedRun_PostsItsSpansAndNoContent()
    {
        using var folder = new AgentFolder(Script);
        (await folder.RunAsync("run", ".", "Hello CANARY")).Is(ExitCodes.Ok);
        using var receiver = new Receiver();

        JsonElement sent = await folder.JsonAsync("export", "last", "--otlp", receiver.Url);

        Assert.Equal((1, 1, 0), (sent.GetProperty("runs").GetInt32(), sent.GetProperty("sent").GetInt32(), sent.GetProperty("open").GetInt32()));
        Assert.True(sent.GetProperty("spans").GetInt32() >= 4);
        string body = Encoding.Latin1.GetString(Assert.Single(receiver.Bodies));
        Assert.Contains("invoke_agent", body, StringComparison.Ordinal);
        Assert.Contains("execute_tool clock", body, StringComparison.Ordinal);
        Assert.DoesNotContain("CANARY", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Telemetry_PostsTheSameWhileItGoes()
    {
        using var folder = new AgentFolder(Script);
        using var receiver = new Receiver();

        var variables = new Dictionary<string, string> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Url[..^"/v1/traces".Length] };
        using (var run = CliProcess.Start(folder.Path, variables, ["run", ".", "Hello", "--telemetry", "otlp"]))
            (await run.EndAsync()).Is(ExitCodes.Ok);

        Assert.Contains(receiver.Bodies, b => Encoding.Latin1.GetString(b).Contains("invoke_agent", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Say where to", "export", "last")]
    [InlineData("langfuze", "export", "last", "--preset", "langfuze")]
    [InlineData("LANGFUSE_PUBLIC_KEY", "export", "last", "--preset", "langfuse")]
    [InlineData("--otlp 'here'", "export", "last", "--otlp", "here")]
    public async Task Export_WrongUsage_SaysTheRemedy(string expected, params string[] args)
    {
        using var folder = new AgentFolder(Script);
        (await folder.RunAsync("run", ".", "Hello")).Is(ExitCodes.Ok);

        CliResult result = await folder.RunAsync(args);

        result.Is(ExitCodes.Usage);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    /// <summary>Takes whatever is posted.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly HttpListener _listener = new();

        public Receiver()
        {
            using var free = new TcpListener(IPAddress.Loopback, 0);
            free.Start();
            string address = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/";
            free.Stop();
            _listener.Prefixes.Add(address);
            _listener.Start();
            Url = $"{address}v1/traces";
            _ = Task.Run(AnswerAsync);
        }

        public string Url { get; }

        public ConcurrentQueue<byte[]> Bodies { get; } = new();

        public void Dispose() => _listener.Close();

        private async Task AnswerAsync()
        {
            try
            {
                while (true)
                {
                    HttpListenerContext context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    Bodies.Enqueue(body.ToArray());
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
