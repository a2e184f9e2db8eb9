namespace Steward.Cli.Checks;

/// <summary>How a check came out.</summary>
internal enum CheckLevel
{
    Ok,
    Warn,
    Fail,
}

/// <summary>What a check found, and what to do about it.</summary>
internal sealed record Check(string Name, CheckLevel Level, string Text, string? Remedy = null)
{
    public string Word => Level switch { CheckLevel.Ok => "ok", CheckLevel.Warn => "warn", _ => "fail" };

    public static Check Ok(string name, string text) => new(name, CheckLevel.Ok, text);

    public static Check Warn(string name, string text, string remedy) => new(name, CheckLevel.Warn, text, remedy);

    public static Check Fail(string name, string text, string remedy) => new(name, CheckLevel.Fail, text, remedy);
}
