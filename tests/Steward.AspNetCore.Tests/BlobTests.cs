using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Steward.Journal;
using Steward.State;

namespace Steward.AspNetCore.Tests;

/// <summary>Large attachments over HTTP.</summary>
public sealed class BlobTests : IAsyncLifetime
{
    private const int Limit = 3 << 20;

    private readonly TestDatabase _database = new();
    private ApiServer _server = null!;

    public async ValueTask InitializeAsync() =>
        _server = await ApiServer.StartAsync(_database, configure: o => (o.MaxBodySize, o.MaxBlobSize) = (4_096, Limit));

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task Put_ThenStartWithTheAnswerAsAPart_KeepsItByHash()
    {
        byte[] pdf = new byte[2 << 20];
        "%PDF-1.7 /Type /Page "u8.CopyTo(pdf);
        ApiAnswer put = await PutAsync(pdf, "application/pdf");
        Assert.Equal(HttpStatusCode.Created, put.Status);
        Assert.Equal(("blob", pdf.Length, 1), (put.Json.GetProperty("is").GetString(), put.Json.GetProperty("length").GetInt32(), put.Json.GetProperty("pages").GetInt32()));

        string input = $$"""[{"is":"text","text":"Read it."},{{put.Text}}]""";
        ApiAnswer started = await _server.SendAsync("POST", "/v1/runs", body: $$"""{"agent":"helper","input":{{input}},"key":"k"}""");
        Assert.Equal(HttpStatusCode.Created, started.Status);
        Assert.Equal(HttpStatusCode.OK, (await _server.SendAsync("POST", "/v1/runs", body: $$"""{"agent":"helper","input":{{input}},"key":"k"}""")).Status);
        string run = started.Json.GetProperty("run").GetString()!;
        Assert.Equal("completed", (await _server.SettledAsync(run)).GetProperty("status").GetString());
        BlobPart part = Assert.IsType<BlobPart>((await RunJournal.LoadAsync(_server.Store, RunId.Parse(run), ApiServer.Token)).Started.Input[1]);
        Assert.Equal(("application/pdf", (long)pdf.Length), (part.MediaType, part.Length));

        (string asking, _) = (await _server.RunAsync("asker"), 0);
        await _server.SettledAsync(asking);
        ApiAnswer sent = await _server.SendAsync("POST", $"/v1/runs/{asking}/messages", body: $$"""{"input":{{input}}}""");
        Assert.Equal(HttpStatusCode.Accepted, sent.Status);
        (await _server.SendAsync("POST", $"/v1/runs/{asking}/messages", body: $$"""{"text":"a","input":{{input}}}""")).Is(HttpStatusCode.BadRequest, "invalid_request", "both");
        (await _server.SendAsync("POST", $"/v1/runs/{asking}/messages", body: "{}")).Is(HttpStatusCode.BadRequest, "invalid_request", "'text'");
    }

    [Fact]
    public async Task OtherTenant_CannotAttachIt()
    {
        string hash = (await PutAsync([1, 2, 3], "image/png")).Json.GetProperty("hash").GetString()!;
        string body = $$"""{"agent":"helper","input":[{"is":"blob","hash":"{{hash}}"}]}""";
        ApiAnswer others = await _server.SendAsync("POST", "/v1/runs", "beta-app", body);
        ApiAnswer nobodys = await _server.SendAsync("POST", "/v1/runs", "beta-app", body.Replace(hash, new string('0', 64), StringComparison.Ordinal));
        others.Is(HttpStatusCode.UnprocessableEntity, "no_attachment", hash);
        Assert.Equal(nobodys.Text, others.Text.Replace(hash, new string('0', 64), StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Created, (await _server.SendAsync("POST", "/v1/runs", "acme-app", body)).Status);
    }

    [Fact]
    public async Task Put_WhatIsTooLargeOrNoAttachment_IsRefusedWithTheRemedy()
    {
        (await PutAsync(new byte[Limit + 1], "image/png")).Is(HttpStatusCode.RequestEntityTooLarge, "too_large", "MaxBlobSize");
        (await PutAsync([], "image/png")).Is(HttpStatusCode.BadRequest, "invalid_request", "empty");
        (await PutAsync([1], null)).Is(HttpStatusCode.BadRequest, "invalid_request", "Content-Type");
        (await PutAsync([1], "image")).Is(HttpStatusCode.BadRequest, "invalid_request", "Content-Type");
        foreach (string part in (string[])["""{"is":"blob"}""", """{"is":"blob","hash":"abc"}""", """{"is":"blob","hash":7}"""])
            (await _server.SendAsync("POST", "/v1/runs", body: $$"""{"agent":"helper","input":[{{part}}]}""")).Is(HttpStatusCode.BadRequest, "invalid_request", "hash");
    }

    private async Task<ApiAnswer> PutAsync(byte[] bytes, string? type)
    {
        HttpRequestMessage request = ApiServer.Request("POST", "/v1/blobs", "acme-app");
        request.Content = new ByteArrayContent(bytes);
        if (type is not null)
            Assert.True(request.Content.Headers.TryAddWithoutValidation("Content-Type", type));
        return await _server.SendAsync(request);
    }
}
