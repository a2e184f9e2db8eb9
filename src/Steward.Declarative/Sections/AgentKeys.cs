namespace Steward.Declarative.Sections;

/// <summary>Every key of an agent.yaml, by the definition of <c>agent.schema.json</c>
/// that describes it. A test holds the two together.</summary>
internal static class AgentKeys
{
    public static readonly string[] Agent =
        ["name", "version", "description", "instructions", "instructions_file", "models", "providers", "script", "prices", "databases", "tools", "built_ins", "agents", "approvals", "planning", "validators", "budget", "limits", "store", "example"];

    public static readonly string[] Models = ["planner", "executor", "validator", "summarizer", "judge"];

    public static readonly string[] Model = ["provider", "model", "max_output", "temperature", "stream", "retries", "timeout"];

    public static readonly string[] Provider =
        ["kind", "base_url", "api_key", "headers", "fields", "max_tokens_field", "prompt_caching", "idle_timeout", "max_answer_bytes", "script"];

    public static readonly string[] Price = ["input", "output", "cache_read", "cache_write", "context_window", "max_output", "source"];

    public static readonly string[] Database = ["sqlite", "postgres", "seed"];

    public static readonly string[] Tool =
        ["name", "description", "parameters", "effect", "destructive", "approval", "cost", "timeout", "key_memory", "max_repeats", "max_result", "overlap", "sql", "http"];

    public static readonly string[] SubAgent = ["name", "description", "agent", "hand_off"];

    public static readonly string[] Approval =
        ["name", "tools", "effects", "destructive", "cost_above", "when", "required", "approvers", "roles", "assignee", "four_eyes", "expires_after", "default"];

    public static readonly string[] Planning =
    [
        "mode",
        "max_rounds",
        "max_steps",
        "parallel_steps",
        "approve_destructive",
        "approve_above_cost",
        "unit",
    ];

    public static readonly string[] Parameter =
        ["type", "description", "required", "default", "enum", "minimum", "maximum", "min_length", "max_length", "pattern", "format"];

    public static readonly string[] Sql = ["database", "statement", "probe", "max_rows", "max_bytes"];

    public static readonly string[] Http =
        ["method", "url", "headers", "body", "json_body", "idempotency_header", "select", "status_texts", "max_bytes", "follow_redirects", "allow_private_networks", "allowed_hosts", "probe"];

    public static readonly string[] HttpProbe = ["url", "headers", "select"];

    public static readonly string[] Validator =
    [
        "name",
        "sql",
        "tool_called",
        "http",
        "answer_matches",
        "answer_path",
        "answer_schema",
        "judge",
    ];

    public static readonly string[] SqlCheck = ["database", "statement", "description", "captures", "rows", "first_row", "timeout"];

    public static readonly string[] ToolCalled = ["tool", "times", "arguments"];

    public static readonly string[] AnswerMatches = ["pattern", "negate"];

    public static readonly string[] HttpCheck =
        ["method", "url", "headers", "parameters", "for_each_call_of", "path", "expected", "description", "timeout", "max_bytes", "follow_redirects", "allow_private_networks", "allowed_hosts"];

    public static readonly string[] AnswerPath = ["path", "expected"];

    public static readonly string[] Judge = ["rubric"];

    public static readonly string[] Bounds = ["exactly", "at_least", "at_most"];

    public static readonly string[] Budget = ["usd", "tokens", "model_calls", "tool_calls", "per_session"];

    public static readonly string[] Ceilings = ["usd", "tokens", "model_calls", "tool_calls"];

    public static readonly string[] Limits =
        ["iterations", "wall_time", "parallel_tools", "calls_per_message", "mistakes", "validation_rounds", "attempts", "min_output", "min_wrap_up", "depth", "children", "budget_wait", "model_patience"];

    public static IReadOnlyDictionary<string, string[]> All { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["agent"] = Agent,
        ["models"] = Models,
        ["model"] = Model,
        ["provider"] = Provider,
        ["price"] = Price,
        ["database"] = Database,
        ["tool"] = Tool,
        ["sub_agent"] = SubAgent,
        ["approval"] = Approval,
        ["planning"] = Planning,
        ["parameter"] = Parameter,
        ["sql"] = Sql,
        ["http"] = Http,
        ["http_probe"] = HttpProbe,
        ["validator"] = Validator,
        ["sql_check"] = SqlCheck,
        ["tool_called"] = ToolCalled,
        ["http_check"] = HttpCheck,
        ["answer_matches"] = AnswerMatches,
        ["answer_path"] = AnswerPath,
        ["judge"] = Judge,
        ["bounds"] = Bounds,
        ["budget"] = Budget,
        ["ceilings"] = Ceilings,
        ["limits"] = Limits,
    };
}
