namespace Steward.Journal;

/// <summary>Why a run stands where it stands: the reasons of <see cref="StateChanged"/>,
/// of a run's row, and the codes of <see cref="RunFailed"/>. They never change.</summary>
public static class Reasons
{
    /// <summary>The agent's definition here is another one than the run began with.</summary>
    public const string AgentChanged = "agent_changed";

    /// <summary>The agent's version is not loaded here.</summary>
    public const string AgentMissing = "agent_missing";

    /// <summary>The model answered, and no validator had to be asked.</summary>
    public const string Answered = "answered";

    /// <summary>A call waits for approval.</summary>
    public const string Approval = "approval";

    /// <summary>The planner made plans that cannot be carried out.</summary>
    public const string BadPlan = "bad_plan";

    /// <summary>A ceiling leaves no room to go on.</summary>
    public const string BudgetExhausted = "budget_exhausted";

    /// <summary>Somebody asked for the end.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The run wrapped up because a ceiling was near.</summary>
    public const string CeilingReached = "ceiling_reached";

    /// <summary>The run waits for its children.</summary>
    public const string Children = "children";

    /// <summary>The request does not fit the model's window.</summary>
    public const string ContextTooLong = "context_too_long";

    /// <summary>The run goes without a plan.</summary>
    public const string DirectMode = "direct_mode";

    /// <summary>A person takes the task over.</summary>
    public const string HandOff = "hand_off";

    /// <summary>The run took all its turns, or made all its plans.</summary>
    public const string Iterations = "iterations";

    /// <summary>The journal cannot be trusted; only the run's row says so.</summary>
    public const string JournalDamaged = "journal_damaged";

    /// <summary>A kill switch is engaged.</summary>
    public const string KillSwitch = "kill_switch";

    /// <summary>A message goes on with the conversation.</summary>
    public const string Message = "message";

    /// <summary>The model's credential is wrong, or its account has no credit.</summary>
    public const string ModelAuthentication = "model_authentication";

    /// <summary>The model made too many mistakes in a row.</summary>
    public const string ModelMistakes = "model_mistakes";

    /// <summary>The model declined to answer.</summary>
    public const string ModelRefused = "model_refused";

    /// <summary>The provider refused the request as wrong.</summary>
    public const string ModelRequestInvalid = "model_request_invalid";

    /// <summary>No model of the route could be asked.</summary>
    public const string ModelUnavailable = "model_unavailable";

    /// <summary>A validator could not find out whether the outcome is right.</summary>
    public const string NotValidated = "not_validated";

    /// <summary>The model used its whole output limit before it answered, twice in a row.</summary>
    public const string OutputLimit = "output_limit";

    /// <summary>A person must say what became of a call.</summary>
    public const string OutcomeUnknown = "outcome_unknown";

    /// <summary>A plan waits for approval.</summary>
    public const string PlanApproval = "plan_approval";

    /// <summary>A plan is to be made.</summary>
    public const string PlanWanted = "plan_wanted";

    /// <summary>The model's price is not known.</summary>
    public const string PriceUnknown = "price_unknown";

    /// <summary>The run brought its workers down, and waits for a person.</summary>
    public const string Quarantined = "quarantined";

    /// <summary>A plan failed; another is to be made.</summary>
    public const string Replan = "replan";

    /// <summary>What the run waited for has come.</summary>
    public const string Resumed = "resumed";

    /// <summary>The run waits for a signal.</summary>
    public const string Signal = "signal";

    /// <summary>The run was started.</summary>
    public const string Started = "started";

    /// <summary>A person ended the run.</summary>
    public const string Stopped = "stopped";

    /// <summary>The run waits for a time.</summary>
    public const string Timer = "timer";

    /// <summary>The run waits for a slot of a tool.</summary>
    public const string ToolLimit = "tool_limit";

    /// <summary>A tool source does not say what it offers.</summary>
    public const string ToolsUnavailable = "tools_unavailable";

    /// <summary>The user must answer.</summary>
    public const string UserInput = "user_input";

    /// <summary>Every validator passed.</summary>
    public const string Validated = "validated";

    /// <summary>A validator did not pass.</summary>
    public const string ValidationFailed = "validation_failed";

    /// <summary>The run was active for all its time.</summary>
    public const string WallTime = "wall_time";
}
