using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Http;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>/v1/runs/{id}/feedback</c>: how good a run was; also after it has ended.</summary>
internal sealed class FeedbackEndpoints(Api api)
{
    public void Map(RouteGroupBuilder group)
    {
        api.Map(group, "GET", "/v1/runs/{id}/feedback", ListAsync);
        api.Map(group, "POST", "/v1/runs/{id}/feedback", GiveAsync, RequestKind.Write);
    }

    private async Task ListAsync(ApiCall call)
    {
        call.KnowsQuery();
        RunInfo run = await call.RunAsync();
        IReadOnlyList<Feedback> feedback = await api.Store.FeedbackAsync(new FeedbackQuery { Run = run.Run, Limit = 1_000 }, call.Aborted);
        await call.JsonAsync(200, new FeedbackList([.. feedback.Select(FeedbackDocument.Of)]), ContractJson.Compact<FeedbackList>());
    }

    private async Task GiveAsync(ApiCall call)
    {
        call.KnowsQuery();
        RunInfo run = await call.RunAsync();
        JsonBody body = await JsonBody.ReadAsync(call, "score", "comment", "turn", "key");
        double? score = (double?)body.OptionalNumber("score", 0, 1);
        string? comment = body.OptionalText("comment");
        if (score is null && comment is null)
            throw Refused.Invalid("score", null, "Feedback needs a 'score' from 0 (useless) to 1 (perfect), or a 'comment'.");
        var feedback = new Feedback
        {
            Id = call.Key(body.OptionalName("key"), "key") is { } key ? $"http:{key}" : RunId.New(api.Time).ToString(),
            Run = run.Run,
            By = call.Caller.Name,
            Score = score,
            Comment = comment,
            Turn = (int?)body.OptionalNumber("turn", 1, int.MaxValue),
            Kind = FeedbackKind.Explicit,
            At = api.Time.GetUtcNow(),
        };
        if (!await api.Store.AddFeedbackAsync(feedback, CancellationToken.None))
            throw Refused.NoRun(run.Run.ToString());
        await call.JsonAsync(201, FeedbackDocument.Of(feedback), ContractJson.Compact<FeedbackDocument>());
    }
}
