using Steward.Journal;
using Steward.Models;

namespace Steward.Providers.Tests;

/// <summary>The error bodies of the providers, as their documentation and their servers have them.</summary>
public sealed class ErrorAnswerTests
{
    [Theory]
    [InlineData(429, """{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}""", ModelFailure.Authentication)]
    [InlineData(429, """{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}""", ModelFailure.RateLimited)]
    [InlineData(400, """{"error":{"message":"too many","type":"invalid_request_error","code":"context_length_exceeded"}}""", ModelFailure.ContextTooLong)]
    [InlineData(400, """{"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","code":400}""", ModelFailure.ContextTooLong)]
    [InlineData(400, """{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}""", ModelFailure.ContextTooLong)]
    [InlineData(413, """{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}""", ModelFailure.ContextTooLong)]
    [InlineData(400, """{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}""", ModelFailure.Authentication)]
    [InlineData(400, """[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]""", ModelFailure.Authentication)]
    [InlineData(402, """{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}""", ModelFailure.Authentication)]
    [InlineData(403, """{"type":"error","error":{"type":"permission_error","message":"no"}}""", ModelFailure.Authentication)]
    [InlineData(400, """{"error":{"message":"filtered","type":null,"code":"content_filter","status":400}}""", ModelFailure.Refused)]
    [InlineData(404, """{"error":"model 'x' not found"}""", ModelFailure.InvalidRequest)]
    [InlineData(422, """{"detail":[{"msg":"field required"}]}""", ModelFailure.InvalidRequest)]
    [InlineData(503, "upstream connect error", ModelFailure.Overloaded)]
    [InlineData(504, "<html><title>Gateway Time-out</title></html>", ModelFailure.Timeout)]
    [InlineData(502, "", ModelFailure.Unavailable)]
    [InlineData(500, """{"error":{"type":"overloaded_error","message":"Overloaded"}}""", ModelFailure.Overloaded)]
    [InlineData(500, "7", ModelFailure.Unavailable)]
    [InlineData(500, "[]", ModelFailure.Unavailable)]
    [InlineData(500, """{"error":{"message":{"nested":true}}}""", ModelFailure.Unavailable)]
    public void Parse_KnownBody_ItsKind(int status, string body, ModelFailure expected)
    {
        var error = ErrorAnswer.Parse(status, body).ToException(NewWire());

        Assert.Equal((expected, status), (error.Failure, error.StatusCode));
        Assert.DoesNotContain("<html>", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(429, true)]
    [InlineData(500, true)]
    [InlineData(503, true)]
    [InlineData(529, true)]
    [InlineData(408, false)]
    [InlineData(502, false)]
    [InlineData(504, false)]
    [InlineData(524, false)]
    [InlineData(null, false)]
    public void ToException_GatewayOrStream_MayBeBilled(int? status, bool notBilled) =>
        Assert.Equal(notBilled, ErrorAnswer.Parse(status, "{}").ToException(NewWire()).NotBilled);

    [Fact]
    public void ToException_LongTextWithSecrets_ShortOneLineWithout()
    {
        var body = "Bearer token-of-the-proxy and sk-secret-key\r\n" + new string('x', 5_000);

        var message = ErrorAnswer.Parse(500, body).ToException(NewWire()).Message;

        Assert.Contains("and ***", message, StringComparison.Ordinal);
        Assert.DoesNotContain("token-of-the-proxy", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.InRange(message.Length, 1, 600);
    }

    private static Wire NewWire() => new("Anthropic", "claude-test", new ProviderOptions
    {
        ApiKey = "sk-secret-key",
        Headers = new Dictionary<string, string> { ["Helicone-Auth"] = "Bearer token-of-the-proxy" },
    });
}
