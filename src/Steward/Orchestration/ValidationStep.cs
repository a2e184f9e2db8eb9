using Microsoft.Extensions.Logging;
using Steward.Diagnostics;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Orchestration;

/// <summary>Asks an agent's validators in their order, up to the first that does not pass.</summary>
internal sealed class ValidationStep(IServiceProvider? services, ILogger logger)
{
    public async ValueTask<StepResult> RunAsync(RunSession session, string answer)
    {
        if (await session.CommitAsync(startsEffect: true) is var gate and not AppendResult.Committed)
            return StepResult.Of(gate);
        int round = session.State.Round;
        for (int i = session.State.Verdicts.Length; i < session.Agent.Validators.Count; i++)
        {
            IValidator validator = session.Agent.Validators[i];
            Finding finding;
            try
            {
                finding = await validator.ValidateAsync(Context(session, answer), session.Interrupted).AsTask().WaitAsync(session.Interrupted);
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

            session.Note(new VerdictGiven { Round = round, Validator = validator.Name, Verdict = finding.Verdict, Evidence = finding.Evidence });
            if (finding.Verdict != Verdict.Passed)
                break;
        }

        return StepResult.Next.Instance;
    }

    private ValidationContext Context(RunSession session, string answer) => new()
    {
        Agent = session.Agent,
        State = session.State,
        Answer = answer,
        Calls = session.State.Completed,
        Services = services,
    };
}
