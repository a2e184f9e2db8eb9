using System.Net;
using System.Net.Sockets;
using Steward.Tests.Shared;

namespace Steward.Cli.Tests.Commands;

/// <summary>A model that is down: who sits before the command line sees at once that the run waits, for what, and can end it.</summary>
public sealed class OutageTests
{
    [Fact]
    public async Task Run_ModelIsDown_SaysSoAndCtrlCParksIt()
    {
        Requirement.Interrupts();
        using var server = new DownServer();
        using AgentFolder folder = Folder(server);
        using CliProcess run = folder.Start("run", ".", "hello");

        await run.SeesAsync("model_unavailable");
        await run.SeesAsync("local/m");
        await run.SeesAsync("asked again at");
        run.Signal(CliProcess.Interrupt);

        (await run.EndAsync()).Is(ExitCodes.Parked);
        System.Text.Json.JsonElement runs = (await folder.JsonAsync("runs")).GetProperty("runs");
        Assert.Equal("model_unavailable", runs[0].GetProperty("reason").GetString());
        Assert.NotNull(runs[0].GetProperty("wakes_at").GetString());
    }

    [Fact]
    public async Task Chat_ModelIsDown_TurnWaitsAndCtrlCEndsIt()
    {
        Requirement.Interrupts();
        using var server = new DownServer();
        using AgentFolder folder = Folder(server);
        using CliProcess chat = CliProcess.Begin(folder.Path, "chat");

        await chat.TypeAsync("hello");
        await chat.SeesAsync("asked again at");
        chat.Signal(CliProcess.Interrupt);
        await chat.SeesAsync("cancelled");
        server.IsUp = true;
        await chat.TypeAsync("again");
        await chat.SeesAsync("I am back.");
        await chat.TypeAsync("/exit");

        (await chat.EndAsync()).Is(ExitCodes.Ok);
    }

    [Fact]
    public async Task Chat_ModelComesBack_TurnGoesOnByItself()
    {
        using var server = new DownServer();
        using AgentFolder folder = Folder(server);
        using CliProcess chat = CliProcess.Begin(folder.Path, "chat");

        await chat.TypeAsync("hello");
        await chat.SeesAsync("asked again at");
        server.IsUp = true;
        await chat.SeesAsync("I am back.");
        await chat.TypeAsync("/exit");

        (await chat.EndAsync()).Is(ExitCodes.Ok);
        Assert.Equal("completed", (await folder.JsonAsync("runs")).GetProperty("runs")[0].GetProperty("status").GetString());
    }

    private static AgentFolder Folder(DownServer server)
    {
        var folder = new AgentFolder();
        folder.Write("agent.yaml", $$"""
            name: helper
            version: 1
            instructions: Help.
            providers:
              local: { kind: openai, base_url: 'http://127.0.0.1:{{server.Port}}/v1/' }
            models:
              executor: { provider: local, model: m, retries: 0 }
            prices:
              local/m: { input: 1, output: 1, context_window: 32000, max_output: 1000 }
            budget: { usd: 1 }
            """);
        return folder;
    }

    /// <summary>A provider on loopback that answers 503 until it is up.</summary>
    private sealed class DownServer : IDisposable
    {
        private const string Answer = """{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"I am back."},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}}""";

        private readonly HttpListener _listener = new();

        public DownServer()
        {
            using (var free = new TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Port = ((IPEndPoint)free.LocalEndpoint).Port;
            }

            _listener.Prefixes.Add($"http://127.0.0.1:{Port}/");
            _listener.Start();
            _ = ServeAsync();
        }

        public int Port { get; }

        public bool IsUp { get; set; }

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            try
            {
                while (await _listener.GetContextAsync() is { } exchange)
                {
                    exchange.Response.StatusCode = IsUp ? 200 : 503;
                    exchange.Response.ContentType = "application/json";
                    byte[] body = System.Text.Encoding.UTF8.GetBytes(IsUp ? Answer : """{"error":{"message":"Overloaded"}}""");
                    await exchange.Response.OutputStream.WriteAsync(body);
                    exchange.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
            }
        }
    }
}
