using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Http;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>GET /v1/runs</c> and <c>GET /v1/runs/{id}</c>: how runs stand and ended, at once or when they are done.</summary>
internal sealed class RunEndpoints(Api api)
{
    private const int MostDescendants = 1_000;

    public void Map(RouteGroupBuilder group)
    {
        api.Map(group, "GET", "/v1/runs", ListAsync);
        api.Map(group, "GET", "/v1/runs/{id}", GetAsync);
    }

    private async Task ListAsync(ApiCall call)
    {
        call.KnowsQuery("status", "agent", "session", "parent", "tenant", "label", "limit");
        int limit = (int)call.Number("limit", 100, 1, 1_000);
        var query = new RunQuery
        {
            Tenant = call.Tenant(call.Query("tenant"), null),
            Agent = call.Query("agent"),
            Session = call.Query("session"),
            Parent = call.Query("parent") is { } parent ? (await call.RunAsync(parent)).Run : null,
            Statuses = call.Query("status") is { } names ? [.. names.Split(',').Select(Status)] : null,
            Labels = Labels(call.QueryAll("label")),
            Limit = limit + 1,
        };
        IReadOnlyList<RunInfo> runs = await api.Store.FindAsync(query, call.Aborted);
        await call.JsonAsync(
            200, new RunList([.. runs.Take(limit).Select(RunDocument.Of)], runs.Count > limit), ContractJson.Compact<RunList>());
    }

    private async Task GetAsync(ApiCall call)
    {
        call.KnowsQuery("wait");
        long wait = call.Number("wait", 0, 0, (long)api.Options.MaxWait.TotalSeconds);
        RunInfo run = await call.RunAsync();
        if (wait > 0 && !run.Status.IsTerminal())
            run = await WaitAsync(call, run, TimeSpan.FromSeconds(wait));
        await call.JsonAsync(200, await DescribeAsync(call, run), ContractJson.Compact<RunDocument>());
    }

    private async Task<RunDocument> DescribeAsync(ApiCall call, RunInfo run)
    {
        RunDocument document = RunDocument.Of(run);
        if (!run.Status.IsTerminal())
            document = document with { Questions = [.. (await QuestionsAsync(run.Run, call.Aborted)).Select(ApprovalEndpoints.Document)] };
        if (!run.Status.IsTerminal() && run.Reason != Reasons.ModelUnavailable)
            return document;
        // The last entry says how it ended, or which model it waits for: a long journal need not be read for that.
        await foreach (JournalEntry entry in api.Store.ReadAsync(run.Run, run.Sequence - 1, call.Aborted))
            document = document.With(entry.Event);
        return document;
    }

    /// <summary>Waits until the run has ended or asks somebody something, the time is up, or the server stops.</summary>
    private async Task<RunInfo> WaitAsync(ApiCall call, RunInfo run, TimeSpan wait)
    {
        using IDisposable slot = api.EnterStream(call.Caller);
        long start = api.Time.GetTimestamp();
        while (true)
        {
            Task settled = api.Hub.NextSettle(run.Run);
            run = await call.RunAsync();
            TimeSpan left = wait - api.Time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || api.Stopping.IsCancellationRequested || await IsSettledAsync(run, call.Aborted))
                return run;
            using var done = CancellationTokenSource.CreateLinkedTokenSource(call.Aborted, api.Stopping);
            await Task.WhenAny(settled, Task.Delay(left < api.PollInterval ? left : api.PollInterval, api.Time, done.Token));
            await done.CancelAsync();
            call.Aborted.ThrowIfCancellationRequested();
        }
    }

    private async ValueTask<bool> IsSettledAsync(RunInfo run, CancellationToken cancellationToken) =>
        run.Status.IsTerminal()
            || (run is { Status: RunStatus.Awaiting, Worker: null } && (await QuestionsAsync(run.Run, cancellationToken)).Count > 0);

    /// <summary>What a run asks, and what the agents ask that it has called.</summary>
    private async ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(RunId run, CancellationToken cancellationToken)
    {
        List<QuestionInfo> questions = [];
        Queue<RunId> family = new([run]);
        for (int seen = 0; seen < MostDescendants && family.TryDequeue(out RunId one); seen++)
        {
            questions.AddRange(await api.Store.QuestionsAsync(new QuestionQuery { Run = one }, cancellationToken));
            RunQuery children = new() { Parent = one, Statuses = StatusRules.Living, Limit = MostDescendants };
            foreach (RunInfo child in await api.Store.FindAsync(children, cancellationToken))
                family.Enqueue(child.Run);
        }

        return questions;
    }

    private static IReadOnlyDictionary<string, string>? Labels(IReadOnlyList<string> texts)
    {
        try
        {
            return texts.Count == 0 ? null : Journal.Labels.Parse(texts, ':');
        }
        catch (ArgumentException e)
        {
            throw Refused.Invalid("label", string.Join(' ', texts), $"'label': {e.Message}");
        }
    }

    private static RunStatus Status(string name)
    {
        try
        {
            return RunStatusExtensions.Parse(name);
        }
        catch (FormatException e)
        {
            throw Refused.Invalid("status", name, e.Message);
        }
    }
}
