using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Contract;
using Steward.AspNetCore.Http;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>/v1/approvals</c>: what runs ask people, and people's word on it. Who decides, and with which roles, is who calls.</summary>
internal sealed class ApprovalEndpoints(Api api)
{
    private const int RunIdLength = 32;

    public void Map(RouteGroupBuilder group)
    {
        api.Map(group, "GET", "/v1/approvals", ListAsync);
        api.Map(group, "GET", "/v1/approvals/{id}", GetAsync);
        api.Map(group, "POST", "/v1/approvals/{id}/decision", DecideAsync, RequestKind.Control);
    }

    /// <summary>A question by the name that the routes take: <c>RUN.QUESTION</c>.</summary>
    public static QuestionDocument Document(QuestionInfo question) =>
        QuestionDocument.Of(question) with { Id = $"{question.Run}.{question.Id}" };

    private async Task ListAsync(ApiCall call)
    {
        call.KnowsQuery("run", "tenant", "limit");
        int limit = (int)call.Number("limit", 100, 1, 1_000);
        var query = new QuestionQuery
        {
            Tenant = call.Tenant(call.Query("tenant"), null),
            Run = call.Query("run") is { } run ? (await call.RunAsync(run)).Run : null,
            Limit = limit + 1,
        };
        IReadOnlyList<QuestionInfo> questions = await api.Store.QuestionsAsync(query, call.Aborted);
        await call.JsonAsync(
            200, new ApprovalList([.. questions.Take(limit).Select(Document)], questions.Count > limit), ApiJson.Readable.ApprovalList);
    }

    private async Task GetAsync(ApiCall call)
    {
        call.KnowsQuery();
        await call.JsonAsync(200, Document(await FindAsync(call)), ContractJson.Compact<QuestionDocument>());
    }

    private async Task DecideAsync(ApiCall call)
    {
        call.KnowsQuery();
        QuestionInfo question = await FindAsync(call);
        JsonBody body = await JsonBody.ReadAsync(call, "answer", "note", "arguments", "binding", "result", "key");
        var decision = new Decision
        {
            Id = call.Key(body.OptionalName("key"), "key") is { } key ? $"http:{call.Caller.Name}:{key}" : RunId.New(api.Time).ToString(),
            Run = question.Run,
            Question = question.Id,
            Answer = body.Word<Answer>("answer"),
            By = call.Caller.Name,
            Roles = call.Caller.Roles,
            Tenant = call.Caller.Tenant,
            Binding = body.OptionalName("binding"),
            Result = body.OptionalValue("result"),
            Arguments = body.OptionalObject("arguments"),
            Note = body.OptionalText("note"),
        };
        DecisionResult result = await api.Client.Get(question.Run).DecideAsync(decision, CancellationToken.None);
        if (result.Question is not { } now)
            throw Refused.NoApproval(call.Route("id"));
        if (result.Status is not (DecisionStatus.Accepted or DecisionStatus.Counted or DecisionStatus.Duplicate))
            throw Refusal(result.Status, now, call.Caller.Name);
        int missing = now.Status == QuestionStatus.Open ? Math.Max(0, now.Needed - Approvals(now)) : 0;
        await call.JsonAsync(
            200,
            new DecisionDocument(Wire.Word(result.Status), call.Caller.Name, missing, Document(now)),
            ApiJson.Readable.DecisionDocument);
    }

    /// <summary>The question that the route names, if it is one of the caller's tenant.</summary>
    private async Task<QuestionInfo> FindAsync(ApiCall call)
    {
        string id = call.Route("id");
        if (id.Length <= RunIdLength + 1 || id[RunIdLength] != '.' || !RunId.TryParse(id[..RunIdLength], null, out RunId run))
            throw Refused.NoApproval(id);
        var query = new QuestionQuery { Run = run, Id = id[(RunIdLength + 1)..], Tenant = call.Caller.Tenant, Status = null, Limit = 1 };
        return await api.Store.QuestionsAsync(query, call.Aborted) is [var question]
            && (call.Caller.Tenant is null || question.Tenant == call.Caller.Tenant)
            ? question
            : throw Refused.NoApproval(id);
    }

    private static RefusedException Refusal(DecisionStatus status, QuestionInfo question, string by)
    {
        QuestionDocument document = Document(question);
        return status switch
        {
            DecisionStatus.AlreadyDecided => Refused.Decision(409, "already_decided", question.Votes is [.., var first]
                ? $"{first.By} was first: '{question.Id}' was answered with '{Wire.Word(first.Answer)}' at {Wire.Time(first.At)}{(first.Note is { Length: > 0 } note ? $" ({note})" : "")}, and the first decision counts."
                : $"'{question.Id}' is decided, and the first decision counts.", document),
            DecisionStatus.AlreadyVoted => Refused.Decision(
                409,
                "already_voted",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{by}' has approved '{question.Id}' already; {question.Needed - Approvals(question)} more of {question.Needed} different people are needed."),
                document),
            DecisionStatus.Expired => Refused.Decision(
                409, "expired", $"The time for '{question.Id}' was up at {document.ExpiresAt}: '{document.Default}' stands.", document),
            DecisionStatus.Changed => Refused.Decision(
                409,
                "changed",
                $"What '{question.Id}' asks about is not what was seen: its binding is '{question.Binding}' now. Look at it again.",
                document),
            DecisionStatus.Withdrawn =>
                Refused.Decision(409, "withdrawn", $"The run has ended or went on without an answer to '{question.Id}'.", document),
            DecisionStatus.FourEyes => Refused.Decision(
                403,
                "four_eyes",
                $"'{by}' started the run of '{question.Id}', and its policy asks for somebody else to approve. Call with another person's identity.",
                document),
            DecisionStatus.NotAllowed => Refused.Decision(
                403,
                "not_allowed",
                $"'{by}' may not decide '{question.Id}': it is for {question.Assignee ?? string.Join(" or ", question.Roles)}. Call with an identity that is, or has such a role.",
                document),
            _ => Refused.Decision(
                422,
                "not_an_answer",
                $"'{question.Id}' is a question of the kind '{document.Kind}', which this answer does not fit.",
                document),
        };
    }

    private static int Approvals(QuestionInfo question) =>
        question.Votes.Count(v => v.Answer == Answer.Approve && v.Binding == question.Binding);
}
