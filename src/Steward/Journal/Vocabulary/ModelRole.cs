using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>What a model is called for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelRole>))]
public enum ModelRole
{
    /// <summary>Makes plans.</summary>
    [JsonStringEnumMemberName("planner")] Planner,

    /// <summary>Does the work: answers and calls tools.</summary>
    [JsonStringEnumMemberName("executor")] Executor,

    /// <summary>Checks an outcome.</summary>
    [JsonStringEnumMemberName("validator")] Validator,

    /// <summary>Shortens what became long.</summary>
    [JsonStringEnumMemberName("summarizer")] Summarizer,

    /// <summary>Grades in evaluations.</summary>
    [JsonStringEnumMemberName("judge")] Judge,
}
