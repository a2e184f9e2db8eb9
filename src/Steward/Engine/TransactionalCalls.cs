using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Makes calls of <see cref="ToolEffect.Transactional"/> tools: in a
/// transaction that the store lends, in which the result is recorded as well.</summary>
/// <remarks>
/// So there is no moment between the effect and its record. A crash, a lost lease or a kill switch before the commit takes both back. The
/// call is then made again under the same key without asking anybody.
/// They are made one after the other, each with a commit of its own.
/// </remarks>
internal sealed class TransactionalCalls(
    IStewardStore store,
    IToolExecutor executor,
    IEffectScope? scope,
    ToolAttachments? attachments = null)
{
    /// <summary>Refuses an agent whose tools a store cannot serve.</summary>
    /// <exception cref="StewardException">It has a transactional tool, and the store lends no transactions.</exception>
    public static void ThrowIfUnserved(AgentDefinition agent, IStewardStore store)
    {
        if (store.GetService<ITransactionalStore>() is null
            && agent.Tools.FirstOrDefault(t => t.Effect == ToolEffect.Transactional) is { } tool)
            throw new StewardException(Unserved(tool));
    }

    /// <summary>Makes a call whose intent is durable.</summary>
    /// <returns>Why the run cannot go on here; null when it can.</returns>
    public async ValueTask<StepResult?> InvokeAsync(
        RunSession session,
        ToolDefinition tool,
        ToolContext context,
        JsonElement arguments,
        ToolStarted intent)
    {
        if (store.GetService<ITransactionalStore>() is not { } transactional)
        {
            session.Note(Failed(intent, ToolFailure.Exception, Unserved(tool)));
            return null;
        }

        if (!await session.EnsureLeaseAsync(session.Interrupted))
            return StepResult.Lost.Instance;
        using IDisposable? begun = scope?.Begin(session.State, intent);
        try
        {
            AppendResult result = await session.CommitWithAsync(transactional, async transaction =>
            {
                (RunEvent Event, Blob? Blob) done = await executor.InvokeAsync(
                    tool, context with { Transaction = transaction }, arguments, intent, null, session.Interrupted);
                return done.Event is ToolReturned
                    ? (attachments?.Fit(session, done.Event) ?? done.Event, done.Blob)
                    : throw new CallFailedException(done.Event);
            });
            return result is AppendResult.Committed ? null : StepResult.Of(result);
        }
        catch (CallFailedException e)
        {
            session.Note(e.Event);
        }
        catch (TransactionEndedException e)
        {
            session.Note(
                Failed(intent, e.IsRolledBack ? ToolFailure.Exception : ToolFailure.OutcomeUnknown, $"'{intent.Name}' failed.", e.Message));
        }

        return null;
    }

    private static string Unserved(ToolDefinition tool) =>
        $"The tool '{tool.Name}' writes in the journal's own transaction, and this store lends none. Use the PostgreSQL store, or declare another effect: Idempotent, or Unsafe with a probe.";

    private static ToolFailed Failed(ToolStarted intent, ToolFailure failure, string message, string? detail = null) => new()
    {
        Turn = intent.Turn,
        Index = intent.Index,
        Failure = failure,
        Message = message,
        Detail = detail,
        Settled = new BudgetAmount(ToolCalls: 1, Usd: intent.Reserved.Usd),
    };

    /// <summary>Takes the call's failure out of the transaction, which is rolled back by it.</summary>
    private sealed class CallFailedException(RunEvent failure) : Exception
    {
        public RunEvent Event => failure;
    }
}
