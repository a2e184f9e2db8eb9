using Steward.Journal;

namespace Steward.State;

/// <summary>The answer of a side call that nobody has read yet: a slice of the run's state.</summary>
/// <param name="Purpose">What the call was for.</param>
/// <param name="Text">What the model said; null when it could not be asked.</param>
/// <param name="Failure">Why it could not be asked; null when it answered.</param>
public sealed record SideAnswer(string Purpose, string? Text, ModelFailed? Failure);
