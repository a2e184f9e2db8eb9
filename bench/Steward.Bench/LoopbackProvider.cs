using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Steward.Bench;

/// <summary>A provider on 127.0.0.1 that speaks OpenAI's chat completions and answers like <see cref="CannedModel"/>.</summary>
internal sealed class LoopbackProvider : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Workload _work;

    public LoopbackProvider(Workload work)
    {
        _work = work;
        using (TcpListener free = new(IPAddress.Loopback, 0))
        {
            free.Start();
            Url = new Uri($"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/v1/");
        }

        _listener.Prefixes.Add(new Uri(Url, "/").AbsoluteUri);
        _listener.Start();
        _ = ServeAsync();
    }

    public Uri Url { get; }

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
                await AnswerAsync(await _listener.GetContextAsync());
        }
        catch (Exception e) when (e is ObjectDisposedException or HttpListenerException)
        {
            // Closed.
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using MemoryStream request = new();
        await context.Request.InputStream.CopyToAsync(request);
        int step = 1 + Count(request.GetBuffer().AsSpan(0, (int)request.Length), "\"role\":\"assistant\""u8);
        byte[] body = Encoding.UTF8.GetBytes(_work.Stream ? Streamed(step) : Whole(step));
        context.Response.ContentType = _work.Stream ? "text/event-stream" : "application/json";
        context.Response.ContentLength64 = body.Length;
        await context.Response.OutputStream.WriteAsync(body);
        context.Response.Close();
    }

    private string Whole(int step) => $$"""
        {"id":"c{{step}}","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{{Message(step, "")}},"finish_reason":"{{Finish(step)}}"}],"usage":{{Usage}}}
        """;

    private string Streamed(int step) => $$"""
        data: {"id":"c{{step}}","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{{Message(step, "\"index\":0,")}},"finish_reason":null}]}

        data: {"id":"c{{step}}","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"{{Finish(step)}}"}]}

        data: {"id":"c{{step}}","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{{Usage}}}

        data: [DONE]


        """;

    private const string Usage = """{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}""";

    private string Finish(int step) => step > _work.Steps ? "stop" : "tool_calls";

    private string Message(int step, string index) => step > _work.Steps
        ? """{"role":"assistant","content":"Done."}"""
        : $$$"""{"role":"assistant","content":null,"tool_calls":[{{{{index}}}"id":"call_{{{step}}}","type":"function","function":{"name":"{{{Workload.ToolName}}}","arguments":"{\"id\":{{{step}}}}"}}]}""";

    private static int Count(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word)
    {
        int count = 0;
        for (int at = text.IndexOf(word); at >= 0; at = text.IndexOf(word))
        {
            count++;
            text = text[(at + word.Length)..];
        }

        return count;
    }
}
