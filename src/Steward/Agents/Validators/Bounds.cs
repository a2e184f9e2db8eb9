namespace Steward.Agents;

/// <summary>How many of something there must be.</summary>
public sealed record Bounds
{
    /// <summary>Exactly this many.</summary>
    public int? Exactly { get; init; }

    /// <summary>This many or more.</summary>
    public int? AtLeast { get; init; }

    /// <summary>This many or fewer.</summary>
    public int? AtMost { get; init; }

    internal bool IsEmpty => Exactly is null && AtLeast is null && AtMost is null;

    internal int Largest => Math.Max(Exactly ?? 0, Math.Max(AtLeast ?? 0, AtMost ?? 0));

    internal bool Hold(int count) =>
        (Exactly is null || count == Exactly) && (AtLeast is null || count >= AtLeast) && (AtMost is null || count <= AtMost);

    internal void Check(string owner)
    {
        if (Exactly < 0 || AtLeast < 0 || AtMost < 0)
            throw new ArgumentException($"{owner} cannot expect less than 0.");
        if (AtLeast > AtMost || (Exactly is { } exactly && !(this with { Exactly = null }).Hold(exactly)))
            throw new ArgumentException($"{owner} expects what cannot be: {this}.");
    }

    /// <summary>For example <c>at least 1 and at most 3</c>.</summary>
    public override string ToString() => IsEmpty
        ? "any number"
        : string.Join(
            " and ",
            new[] { Exactly is { } e ? $"exactly {e}" : null, AtLeast is { } l ? $"at least {l}" : null, AtMost is { } m
                ? $"at most {m}" : null }.Where(t => t is not null));
}
