namespace Steward.Journal;

/// <summary>Why a model stopped, as <see cref="ModelReturned.Finish"/> says it.</summary>
public static class FinishReasons
{
    /// <summary>The answer was cut off at its maximum length.</summary>
    public const string Length = "length";

    /// <summary>The model asked for tool calls.</summary>
    public const string ToolCalls = "tool_calls";

    /// <summary>The provider paused a long turn: what there is goes back as it is, and the model goes on.</summary>
    public const string Paused = "paused";

    /// <summary>A filter of the provider cut the answer off.</summary>
    public const string ContentFilter = "content_filter";

    /// <summary>The model declined to answer.</summary>
    public const string Refusal = "refusal";
}
