using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Polly;
using Polly.CircuitBreaker;
using Steward.Agents;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>One turn of a model: reserve in the gate, call, note the answer; retries and fallbacks are attempts of the same turn.</summary>
internal sealed class ModelStep(
    ModelRouter router,
    StoreLimits limits,
    TimeProvider time,
    IEffectScope? scope = null,
    AttachmentLoader? attachments = null)
{
    private const int DefaultMaxOutput = 8_192;

    // What is held back for a wrap-up turn: its guidance (about 250 bytes, a token a byte at worst) and a short answer.
    private const int GuidanceTokens = 320;
    private const int WrapUpTokens = 256;

    // A guess at what is to come, not a bound: text has three to four characters a token, code and other scripts fewer.
    private const int CharactersPerToken = 2;

    private readonly ConditionalWeakTable<AgentDefinition, RequestBuilder> _builders = [];

    private static readonly TimeSpan s_contention = TimeSpan.FromMilliseconds(100);

    /// <summary>Asks the models of the route one after the other until one
    /// answers. When none does now, but one may later, the run waits.</summary>
    public async ValueTask<StepResult> RunAsync(RunSession session, RunAction.CallModel action)
    {
        IReadOnlyList<ModelTarget> targets = TargetsOf(session, action);
        var outage = new OutageReport(session.State, session.Agent.Limits.Patience, session.Now);
        for (int i = 0; i < targets.Count && session.RecordedOutage is null; i++)
        {
            if (IsRecordedOtherwise(session, targets, i))
                continue;
            // A side call is asked for its answer or its failure, so it is made.
            ModelCircuit circuit = router.CircuitOf(targets[i]);
            if (action.Side is null && circuit.Refused is { } refused)
            {
                outage.AddRefused(targets[i], refused);
                continue;
            }

            var call = new Call(session, action, targets[i], IsLastTarget: i == targets.Count - 1, outage);
            try
            {
                StepResult result = await router.PipelineOf(targets[i]).ExecuteAsync(
                    static (s, _) => s.Step.AttemptAsync(s.Call), (Step: this, Call: call), session.Interrupted);
                if (result is StepResult.PassOver)
                    continue; // The next model of the route may have room, or cost less.
                return result is StepResult.End && outage.MayWait ? outage.Wait() : result;
            }
            catch (ModelException) when (session.State.GaveUp is not null || session.State.Side is not null)
            {
                return StepResult.Next.Instance;
            }
            catch (ModelException e) when (e.Failure == ModelFailure.Authentication)
            {
                outage.AddRefused(targets[i], e.Message);
            }
            catch (ModelException e)
            {
                outage.Add(targets[i], e.Message, e.RetryAfter, ModelRouter.IsTransient(e.Failure));
            }
            catch (BrokenCircuitException e)
            {
                outage.AddOpen(targets[i], e.RetryAfter, circuit.IsProbing);
            }
            catch (OperationCanceledException) when (session.Interruption != Interruption.None)
            {
                return StepResult.Next.Instance;
            }
        }

        return session.RecordedOutage ?? (outage.MayWait ? outage.Wait() : outage.Fail());
    }

    /// <summary>The models of the role's route, without those that do not take the request's attachments where others do.</summary>
    private IReadOnlyList<ModelTarget> TargetsOf(RunSession session, RunAction.CallModel action)
    {
        IReadOnlyList<ModelTarget> route = session.Agent.RouteOf(action.Role).Targets;
        if (route.Count == 1 || session.RecordedTarget is not null) // A replay asks the model that was asked.
            return route;
        return AttachmentCheck.Able(router, route, action.Side?.Messages(session.State) ?? session.State.Conversation.Messages);
    }

    /// <summary>Whether a replay knows that a later model of the route was asked here: what this one had against it
    /// is not recorded.</summary>
    private static bool IsRecordedOtherwise(RunSession session, IReadOnlyList<ModelTarget> targets, int at)
    {
        if (session.RecordedTarget is not var (provider, model) || (targets[at].Provider, targets[at].Model) == (provider, model))
            return false;
        for (int i = at + 1; i < targets.Count; i++)
        {
            if ((targets[i].Provider, targets[i].Model) == (provider, model))
                return true;
        }

        return false;
    }

    private async ValueTask<StepResult> AttemptAsync(Call call)
    {
        (RunSession session, _, ModelTarget target, _, _) = call;
        IChatClient client = router.ClientOf(target);
        if (router.Catalog.Find(target.Provider, target.Model) is not { } info)
            return new StepResult.End(
                Decide.Fail(session.State, Reasons.PriceUnknown,
                    $"The price of '{target.Provider}/{target.Model}' is not known, so nothing was called. Add it to the catalogue (prices: in agent.yaml, or StewardOptions.Prices)."));
        if (attachments is not null) // Before anything is reserved: an attachment that is gone costs nothing.
        {
            ModelRequest draft = BuilderOf(session).Build(session.State, target, maxOutput: 1, call.Action);
            await attachments.LoadAsync(draft, session.State, session.Interrupted);
        }

        (ModelStarted? intent, StepResult? refused) = await ReserveAsync(call, info);
        if (intent is null)
            return refused!;
        long start = time.GetTimestamp();
        try
        {
            ModelRequest request = BuilderOf(session).Build(session.State, target, intent.MaxOutput, call.Action);
            if (attachments is not null)
                request = await attachments.LoadAsync(request, session.State, session.Interrupted);
            ChatResponse response = await SendAsync(client, request, session, target, intent);
            ModelReturned returned = Returned(response, intent, info, time.GetElapsedTime(start));
            AnswerSize.Check(returned, response.Usage, limits);
            session.Note(returned);
            return StepResult.Next.Instance;
        }
        catch (Exception e) when (ModelErrors.Describe(e, session.Interrupted) is { } failure)
        {
            router.CircuitOf(target).Note(failure);
            if (await FailAsync(call, intent, info, failure))
                throw new AttemptsUsedUpException(failure);
            throw failure;
        }
        catch (OperationCanceledException) when (session.Interruption != Interruption.None)
        {
            session.Note(
                Failed(intent, info, new ModelException(ModelFailure.StreamInterrupted, $"Interrupted: {session.Interruption}."),
                    final: false));
            throw;
        }
    }

    /// <summary>Passes the gate with the worst case of the call, shrunk to what the budget leaves.</summary>
    private async ValueTask<(ModelStarted? Intent, StepResult? Refused)> ReserveAsync(Call call, ModelInfo info)
    {
        (RunSession session, RunAction.CallModel action, ModelTarget target, _, _) = call;
        AgentLimits limits = session.Agent.Limits;
        int least = action.WrapUp ? limits.MinWrapUp : limits.MinOutput;
        long input = BuilderOf(session).EstimateInput(session.State, action, info);
        int output = target.MaxOutput ?? Math.Min(info.MaxOutput, DefaultMaxOutput);
        least = Math.Min(least, output);
        if (call.IsLastTarget && FillsTheWindow(session, action, info, input + least))
        {
            session.Note(Decide.WrapUpGuidance($"the window of {info.ContextWindow} tokens of '{target.Model}'"));
            return (null, StepResult.Next.Instance);
        }

        if (input + least > info.ContextWindow)
            return (
                null,
                !call.IsLastTarget ? StepResult.PassOver.Instance : new StepResult.End(Decide.Fail(session.State, Reasons.ContextTooLong,
                    $"The request may have {input} tokens; with an answer it does not fit the window of {info.ContextWindow} tokens of '{target.Model}'.")));
        output = (int)Math.Min(output, info.ContextWindow - input);
        if (KeepRoomToWrapUp(session, action, info, input, ref output, least) is { } near)
            return (null, call.IsLastTarget ? Exhausted(session, action, near, info, input) : StepResult.PassOver.Instance);
        long waitingSince = time.GetTimestamp();
        while (true)
        {
            if (!await session.EnsureLeaseAsync(session.Interrupted))
                return (null, StepResult.Lost.Instance);
            RunSession.Bookmark mark = session.Mark();
            ModelStarted intent = Intent(call, info, input, output);
            session.Note(intent);
            AppendResult result = await session.CommitAsync(startsEffect: true);
            if (result is AppendResult.Committed)
                return await session.EnsureLeaseAsync(session.Interrupted) ? (intent, null) : (null, StepResult.Lost.Instance);
            session.TakeBack(mark);
            if (result is not AppendResult.OverBudget over)
                return (null, StepResult.Of(result));
            bool holdBack = HoldsBack(session, action);
            if (Fits(over.Shortfall.Left, over.Shortfall.Metric, info, input, output, holdBack) is var fits && fits >= least)
                output = fits;
            else if (Fits(over.Shortfall.LeftAtBest, over.Shortfall.Metric, info, input, output, holdBack) >= least
                && time.GetElapsedTime(waitingSince) < limits.BudgetWait)
                await Task.Delay(s_contention, time, session.Interrupted);
            else
                return (null, call.IsLastTarget ? Exhausted(session, action, over.Shortfall, info, input) : StepResult.PassOver.Instance);
        }
    }

    private RequestBuilder BuilderOf(RunSession session) => _builders.GetValue(session.Agent, static agent => new RequestBuilder(agent));

    private static ModelStarted Intent(Call call, ModelInfo info, long input, int output)
    {
        RunState state = call.Session.State;
        return new ModelStarted
        {
            Turn = state.Turn + 1,
            Attempt = state.Attempt + 1,
            Role = call.Action.Role,
            Purpose = call.Action.Side?.Purpose,
            Provider = call.Target.Provider,
            Model = call.Target.Model,
            RequestHash = RequestHash.Of(
                state, call.Action.Role, call.Target.Provider, call.Target.Model, call.Action.WrapUp, call.Action.Side?.Purpose),
            Builder = RequestHash.Version,
            MaxOutput = output,
            Reserved = Worst(info, input, output),
            WrapUp = call.Action.WrapUp,
        };
    }

    /// <summary>Whether room for a wrap-up turn must stay behind this call: not when it is the wrap-up, or can only be an answer.</summary>
    private static bool HoldsBack(RunSession session, RunAction.CallModel action) =>
        action.UsesTools && session.State.Turn > 0 && session.Agent.Tools.Count > 0;

    /// <summary>Whether another tool result as large as the largest so far would leave no room in the window to wrap up.</summary>
    private static bool FillsTheWindow(RunSession session, RunAction.CallModel action, ModelInfo info, long request)
    {
        if (!HoldsBack(session, action) || action.WrapUp || request + GuidanceTokens + WrapUpTokens > info.ContextWindow)
            return false; // It is too late for that, or not needed.
        long largest = session.Agent.Tools.Max(t => (long)t.MaxResult);
        if (request + GuidanceTokens + WrapUpTokens + (largest / CharactersPerToken) <= info.ContextWindow)
            return false; // Whatever comes, it fits.
        largest = 0;
        foreach (CompletedCall done in session.State.Completed)
            largest = Math.Max(largest, done.Result.Length);
        return request + GuidanceTokens + WrapUpTokens + (largest / CharactersPerToken) > info.ContextWindow;
    }

    /// <summary>Shrinks a call so that the run's own ceilings leave room to wrap up after it; the shortfall when they do not.</summary>
    private static BudgetShortfall? KeepRoomToWrapUp(
        RunSession session,
        RunAction.CallModel action,
        ModelInfo info,
        long input,
        ref int output,
        int least)
    {
        if (!HoldsBack(session, action))
            return null;
        RunState state = session.State;
        foreach (BudgetMetric metric in (ReadOnlySpan<BudgetMetric>)[BudgetMetric.Tokens, BudgetMetric.Usd])
        {
            if (state.Started.Ceilings.Of(metric) is not { } ceiling)
                continue;
            decimal spent = state.Spent.Of(metric), reserved = state.Reserved.Of(metric);
            int fits = Fits(ceiling - spent - reserved, metric, info, input, output, holdBack: true);
            if (fits < least)
                return new BudgetShortfall(
                    BudgetScope.ForRun(state.Run),
                    metric,
                    ceiling,
                    spent,
                    reserved,
                    Worst(info, input, least).Of(metric));
            output = fits;
        }

        return null;
    }

    private static BudgetAmount Worst(ModelInfo info, long input, int output) =>
        new(ModelCalls: 1, Tokens: input + output, Usd: ModelCatalog.Worst(info, input, output));

    /// <summary>How many output tokens fit into what is left of a metric, with room for a wrap-up turn behind them if wanted.</summary>
    private static int Fits(decimal left, BudgetMetric metric, ModelInfo info, long input, int wanted, bool holdBack)
    {
        if (metric is not (BudgetMetric.Tokens or BudgetMetric.Usd))
            return left >= 1 ? wanted : 0;
        // The wrap-up reads this call's input and output again, and its own guidance. Both costs are linear in the output.
        decimal behind = holdBack ? Worst(info, input + GuidanceTokens, WrapUpTokens).Of(metric) : 0;
        decimal none = Worst(info, input, 0).Of(metric) + behind;
        decimal perToken = (Worst(info, 0, 1_000_000).Of(metric) + (holdBack ? Worst(info, 1_000_000, 0).Of(metric) : 0)) / 1_000_000m;
        if (perToken == 0)
            return none <= left ? wanted : 0;
        return (int)Math.Clamp(decimal.Floor((left - none) / perToken), 0, wanted);
    }

    private static StepResult Exhausted(
        RunSession session,
        RunAction.CallModel action,
        BudgetShortfall shortfall,
        ModelInfo info,
        long input)
    {
        var refused = new BudgetRefused
        {
            Scope = shortfall.Scope.Key,
            Metric = shortfall.Metric,
            Ceiling = shortfall.Ceiling,
            Spent = shortfall.Spent,
            Reserved = shortfall.Reserved,
            Asked = shortfall.Asked,
        };
        session.Note(refused);
        int least = session.Agent.Limits.MinWrapUp;
        if (!action.WrapUp
            && session.State.Turn > 0
            && Fits(shortfall.Left, shortfall.Metric, info, input + GuidanceTokens, least, holdBack: false) >= least)
        {
            session.Note(Decide.WrapUpGuidance($"{shortfall.Metric} of {shortfall.Scope}"));
            return StepResult.Next.Instance;
        }
        return new StepResult.End(Decide.Fail(session.State, Reasons.BudgetExhausted, Decide.CeilingReached(refused)));
    }

    private async ValueTask<ChatResponse> SendAsync(
        IChatClient client,
        ModelRequest request,
        RunSession session,
        ModelTarget target,
        ModelStarted intent)
    {
        using var timeout = new CancellationTokenSource(target.Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, session.Interrupted);
        using IDisposable? begun = scope?.Begin(session.State, intent);
        try
        {
            ChatResponse response = target.Stream
                ? await StreamAsync(client, request, session, intent, linked.Token)
                : await client.GetResponseAsync(request.Messages, request.Options, linked.Token).WaitAsync(linked.Token);
            Endings.ThrowIfRefused(response, target.Model);
            return response;
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && session.Interruption == Interruption.None)
        {
            throw new ModelException(
                ModelFailure.Timeout,
                $"'{target.Provider}/{target.Model}' did not answer within {target.Timeout}.",
                e);
        }
    }

    private async ValueTask<ChatResponse> StreamAsync(
        IChatClient client,
        ModelRequest request,
        RunSession session,
        ModelStarted intent,
        CancellationToken cancellationToken)
    {
        List<ChatResponseUpdate> updates = [];
        long length = 0;
        bool isAnswer = SideCall.PurposeOf(intent) is null; // What a judge or an extractor says is no answer to anybody.
        IAsyncEnumerator<ChatResponseUpdate> stream = client.GetStreamingResponseAsync(
            request.Messages, request.Options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        // A stream that ignores its token is abandoned, not waited for: it is disposed only where it has come to rest.
        while (await stream.MoveNextAsync().AsTask().WaitAsync(cancellationToken))
        {
            ChatResponseUpdate update = stream.Current;
            updates.Add(update);
            AnswerSize.Check(length += update.Text?.Length ?? 0, limits);
            if (isAnswer && update.Text is { Length: > 0 } text)
                session.Observer.Delta(session.State.Run, intent.Turn, intent.Attempt, text);
        }

        await stream.DisposeAsync();
        return updates.ToChatResponse();
    }

    private static ModelReturned Returned(ChatResponse response, ModelStarted intent, ModelInfo info, TimeSpan elapsed)
    {
        TokenUsage? usage = AnswerReader.Usage(response.Usage);
        return new ModelReturned
        {
            Turn = intent.Turn,
            Attempt = intent.Attempt,
            Content = AnswerReader.Parts(response, intent.Turn),
            Finish = response.FinishReason?.Value,
            Usage = usage,
            Settled = Settle(intent, info, usage),
            ServedBy = response.ModelId,
            ResponseId = response.ResponseId,
            Ms = (long)elapsed.TotalMilliseconds,
        };
    }

    /// <returns>Whether the attempts of this turn are used up.</returns>
    private static async ValueTask<bool> FailAsync(Call call, ModelStarted intent, ModelInfo info, ModelException failure)
    {
        RunSession session = call.Session;
        AgentLimits limits = session.Agent.Limits;
        bool isTransient = ModelRouter.IsTransient(failure.Failure);
        bool isUsedUp = intent.Attempt - (session.State.Outage?.Attempts ?? 0) >= limits.Attempts;
        // A model that was asked before this one may be back later; so may this one.
        bool mayWait = call.Outage.MayWait || (isTransient && OutageReport.HasPatience(session.State, limits.Patience, session.Now));
        bool isFinal = !mayWait && (isUsedUp || (call.IsLastTarget && !isTransient));
        session.Note(Failed(intent, info, failure, isFinal));
        // Durable before the back-off: what was spent must not be forgotten while nothing happens.
        await session.CommitAsync(startsEffect: false);
        return isUsedUp;
    }

    private static ModelFailed Failed(ModelStarted intent, ModelInfo info, ModelException failure, bool final) => new()
    {
        Turn = intent.Turn,
        Attempt = intent.Attempt,
        Failure = failure.Failure,
        Message = failure.Message,
        Status = failure.StatusCode,
        Partial = failure.Partial,
        Settled = failure.NotBilled ? new BudgetAmount(ModelCalls: 1) : Settle(intent, info, AnswerReader.Usage(failure.Usage)),
        Final = final,
    };

    /// <summary>The reported usage at the price list; the whole reservation when nothing was reported, for it may all be spent.</summary>
    private static BudgetAmount Settle(ModelStarted intent, ModelInfo info, TokenUsage? usage) => usage is null
        ? intent.Reserved
        : new BudgetAmount(ModelCalls: 1, Tokens: usage.Input + usage.Output, Usd: ModelCatalog.Price(info, usage));

    private sealed record Call(
        RunSession Session,
        RunAction.CallModel Action,
        ModelTarget Target,
        bool IsLastTarget,
        OutageReport Outage);
}
