using System.Net;
using System.Text.Json;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Tests;

/// <summary>What is one tenant's is not there for another (invariant 14): every route, and none without a case here.</summary>
public sealed class TenantTests : IAsyncLifetime
{
    private const string Secret = "Hello acme-app";

    /// <summary>For each route: what the other tenant asks (RUN and APPROVAL are the first one's), what it is answered, and with which key.</summary>
    private static readonly Dictionary<string, (string Path, string? Body, HttpStatusCode Status, string Who)[]> s_cases = new()
    {
        ["GET /v1/agents"] = [("/v1/agents", null, HttpStatusCode.OK, "beta-app")],
        ["POST /v1/runs"] = [("/v1/runs", """{"agent":"helper","input":"Hi","tenant":"acme"}""", HttpStatusCode.Forbidden, "beta-app")],
        ["POST /v1/blobs"] = [("/v1/blobs?tenant=acme", """{"a":1}""", HttpStatusCode.Forbidden, "beta-app")],
        ["GET /v1/runs"] =
        [
            ("/v1/runs", null, HttpStatusCode.OK, "beta-app"),
            ("/v1/runs?session=chat", null, HttpStatusCode.OK, "beta-app"),
            ("/v1/runs?parent=RUN", null, HttpStatusCode.NotFound, "beta-app"),
            ("/v1/runs?tenant=acme", null, HttpStatusCode.Forbidden, "beta-admin"),
        ],
        ["GET /v1/runs/{id}"] = [("/v1/runs/RUN", null, HttpStatusCode.NotFound, "beta-app"), ("/v1/runs/RUN?wait=1", null, HttpStatusCode.NotFound, "beta-admin")],
        ["GET /v1/runs/{id}/events"] = [("/v1/runs/RUN/events", null, HttpStatusCode.NotFound, "beta-app"), ("/v1/runs/RUN/events?after=1", null, HttpStatusCode.NotFound, "beta-admin")],
        ["POST /v1/runs/{id}/messages"] = [("/v1/runs/RUN/messages", """{"text":"Hi"}""", HttpStatusCode.NotFound, "beta-app")],
        ["POST /v1/runs/{id}/cancel"] = [("/v1/runs/RUN/cancel", "{}", HttpStatusCode.NotFound, "beta-admin")],
        ["POST /v1/runs/{id}/signals"] = [("/v1/runs/RUN/signals", """{"name":"paid"}""", HttpStatusCode.NotFound, "beta-app")],
        ["GET /v1/runs/{id}/feedback"] = [("/v1/runs/RUN/feedback", null, HttpStatusCode.NotFound, "beta-app")],
        ["POST /v1/runs/{id}/feedback"] = [("/v1/runs/RUN/feedback", """{"score":0}""", HttpStatusCode.NotFound, "beta-app")],
        ["GET /v1/approvals"] =
        [
            ("/v1/approvals", null, HttpStatusCode.OK, "beta-app"),
            ("/v1/approvals?run=RUN", null, HttpStatusCode.NotFound, "beta-app"),
            ("/v1/approvals?tenant=acme", null, HttpStatusCode.Forbidden, "beta-admin"),
        ],
        ["GET /v1/approvals/{id}"] = [("/v1/approvals/APPROVAL", null, HttpStatusCode.NotFound, "beta-app")],
        ["POST /v1/approvals/{id}/decision"] = [("/v1/approvals/APPROVAL/decision", """{"answer":"approve"}""", HttpStatusCode.NotFound, "beta-app")],
        ["GET /v1/kill-switches"] = [("/v1/kill-switches", null, HttpStatusCode.OK, "beta-admin")],
        ["PUT /v1/kill-switches/{scope}"] =
        [
            ("/v1/kill-switches/run:RUN", "{}", HttpStatusCode.NotFound, "beta-admin"),
            ("/v1/kill-switches/tenant:acme", "{}", HttpStatusCode.Forbidden, "beta-admin"),
            ("/v1/kill-switches/agent:payer", "{}", HttpStatusCode.Forbidden, "beta-admin"),
            ("/v1/kill-switches/global", "{}", HttpStatusCode.Forbidden, "beta-admin"),
        ],
        ["DELETE /v1/kill-switches/{scope}"] =
        [
            ("/v1/kill-switches/run:RUN", null, HttpStatusCode.NotFound, "beta-admin"),
            ("/v1/kill-switches/tenant:acme", null, HttpStatusCode.Forbidden, "beta-admin"),
        ],
    };

    private readonly TestDatabase _database = new();
    private ApiServer _server = null!;

    public static TheoryData<string> Routes => [.. s_cases.Keys];

    public async ValueTask InitializeAsync() => _server = await ApiServer.StartAsync(_database);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public void EveryRoute_HasACase() =>
        Assert.Equal(s_cases.Keys.Order(), _server.Routes.Where(r => r.Pattern is not ("/healthz" or "/readyz")).Select(r => $"{r.Method} {r.Pattern}").Order());

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task OtherTenant_SeesNothingAndChangesNothing(string route)
    {
        (string run, string approval) = await _server.AskAsync();
        await _server.SendAsync("PUT", "/v1/kill-switches/tenant:acme", "acme-admin", """{"reason":"acme's own"}""");
        long sequence = (await InfoAsync(run)).Sequence;

        foreach ((string path, string? body, HttpStatusCode status, string who) in s_cases[route])
        {
            string asked = path.Replace("RUN", run, StringComparison.Ordinal).Replace("APPROVAL", approval, StringComparison.Ordinal);
            ApiAnswer answer = await _server.SendAsync(route.Split(' ')[0], asked, who, body);
            Assert.True(answer.Status == status, $"{asked}: {answer.Status} instead of {status}: {answer.Text}");
            Assert.DoesNotContain(Secret, answer.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("acme-app", answer.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("acme's own", answer.Text, StringComparison.Ordinal);
            if (answer.Status == HttpStatusCode.OK)
                Assert.DoesNotContain(run, answer.Text, StringComparison.Ordinal);
        }

        Assert.Equal(sequence, (await InfoAsync(run)).Sequence);
        Assert.Empty(await _server.Store.InboxAsync(RunId.Parse(run), ApiServer.Token));
        Assert.Empty(await _server.Store.FeedbackAsync(new FeedbackQuery(), ApiServer.Token));
        Assert.Single(await _server.Store.QuestionsAsync(new QuestionQuery(), ApiServer.Token));
        Assert.Equal("tenant:acme", Assert.Single(await _server.Store.SwitchesAsync(ApiServer.Token)).Scope);
        Assert.Single(await _server.Store.FindAsync(new RunQuery { Tenant = "acme" }, ApiServer.Token));
    }

    [Fact]
    public async Task OtherTenant_WhatIsNotItsOwnIsAnsweredAsWhatIsNotThere()
    {
        (string run, string approval) = await _server.AskAsync();
        const string Nobody = "0190000000007000800000000000beef";
        foreach (string path in (string[])["/v1/runs/RUN", "/v1/runs/RUN/events", "/v1/runs/RUN/feedback", "/v1/approvals/RUN.approve-1.0"])
        {
            ApiAnswer others = await _server.SendAsync("GET", path.Replace("RUN", run, StringComparison.Ordinal), "beta-app");
            ApiAnswer nobodys = await _server.SendAsync("GET", path.Replace("RUN", Nobody, StringComparison.Ordinal), "beta-app");
            Assert.Equal(nobodys.Text, others.Text.Replace(run, Nobody, StringComparison.Ordinal));
        }

        Assert.StartsWith(run, approval, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SameKeyOfTwoTenants_IsTwoRuns()
    {
        const string Body = """{"agent":"helper","input":"Hello","key":"k"}""";
        ApiAnswer acme = await _server.SendAsync("POST", "/v1/runs", "acme-app", Body), beta = await _server.SendAsync("POST", "/v1/runs", "beta-app", Body);
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created), (acme.Status, beta.Status));
        Assert.NotEqual(acme.Json.GetProperty("run").GetString(), beta.Json.GetProperty("run").GetString());
    }

    [Fact]
    public async Task CallerOfAllTenants_SeesAllAndMayLookAtOne()
    {
        string acme = await _server.RunAsync("helper"), beta = await _server.RunAsync("helper", "beta-app");
        Assert.Equal([beta, acme], Runs(await _server.SendAsync("GET", "/v1/runs", "root")));
        Assert.Equal([acme], Runs(await _server.SendAsync("GET", "/v1/runs?tenant=acme", "root")));
        Assert.Equal(HttpStatusCode.OK, (await _server.SendAsync("GET", $"/v1/runs/{beta}", "root")).Status);
    }

    private static IEnumerable<string?> Runs(ApiAnswer answer) => answer.Json.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("run").GetString());

    private async Task<RunInfo> InfoAsync(string run) => Assert.Single(await _server.Store.FindAsync(new RunQuery { Run = RunId.Parse(run) }, ApiServer.Token));
}
