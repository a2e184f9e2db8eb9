using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Asks an agent's validators in their order, up to the first that does not pass.</summary>
internal sealed class ValidationStep(IRunStore store, Handlers? handlers, IServiceProvider? services, ILogger logger)
{
    /// <summary>Asks a validator; a replay answers from the journal instead.</summary>
    public Func<IValidator, ValidationContext, CancellationToken, ValueTask<Finding>> Ask { get; init; } =
        static (validator, context, cancellationToken) => validator.ValidateAsync(context, cancellationToken);

    public async ValueTask<StepResult> RunAsync(RunSession session, string answer)
    {
        if (await session.CommitAsync(startsEffect: true) is var gate and not AppendResult.Committed)
            return StepResult.Of(gate);
        int round = session.State.Round;
        IReadOnlyList<IValidator> validators = session.Agent.ValidatorsOf(session.State);
        IReadOnlyList<CompletedCall> calls = await CallsAsync(session.State);
        for (int i = session.State.Verdicts.Length; i < validators.Count; i++)
        {
            IValidator validator = validators[i];
            if (validator.Call is not null && session.State.Side is null)
                break; // Its model is asked first.
            Finding finding;
            try
            {
                finding = await AskAsync(validator, Context(session, answer, calls), session.Interrupted);
            }
            catch (OperationCanceledException) when (session.Interruption != Interruption.None)
            {
                return StepResult.Next.Instance;
            }
            catch (Exception e)
            {
                Log.ValidatorThrew(logger, session.State.Run, validator.Name, e);
                finding = Finding.Inconclusive($"The validator failed: {e.GetType().Name}: {e.Message}");
            }

            session.Note(
                new VerdictGiven { Round = round, Validator = validator.Name, Verdict = finding.Verdict, Evidence = finding.Evidence });
            if (finding.Verdict != Verdict.Passed)
                break;
        }

        return StepResult.Next.Instance;
    }

    /// <summary>Off the loop's thread, as a tool's handler: one that blocks is left behind when the run is interrupted.</summary>
    private Task<Finding> AskAsync(IValidator validator, ValidationContext context, CancellationToken interrupted)
    {
        Task<Finding> asked = handlers is null
            ? Ask(validator, context, interrupted).AsTask()
            : handlers.StartAsync(() => Ask(validator, context, interrupted));
        return asked.WaitAsync(interrupted);
    }

    /// <summary>The calls of the run and of all that descend from it: what steps and agents did counts as done by the run.</summary>
    private async ValueTask<IReadOnlyList<CompletedCall>> CallsAsync(RunState state)
    {
        if (state.Descent.IsEmpty)
            return state.Completed;
        List<CompletedCall> calls = [.. state.Completed];
        foreach (RunId child in state.Descent)
            calls.AddRange(await CallsAsync(await RunJournal.LoadAsync(store, child)));
        return calls;
    }

    private ValidationContext Context(RunSession session, string answer, IReadOnlyList<CompletedCall> calls) => new()
    {
        Agent = session.Agent,
        State = session.State,
        Answer = answer,
        Calls = calls,
        Judgement = session.State.Side,
        Services = services,
    };
}
