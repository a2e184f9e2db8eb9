namespace Steward.Declarative;

/// <summary>A file of an agent (its <c>agent.yaml</c>, or a script) is
/// wrong; the message says where, what, and what to write instead.</summary>
public sealed class AgentFileException : StewardException
{
    internal AgentFileException(string file, int line, int column, string message)
        : base($"{file}({line},{column}): {message}")
    {
        File = file;
        Line = line;
        Column = column;
    }

    /// <summary>The file.</summary>
    public string File { get; }

    /// <summary>The line, from 1.</summary>
    public int Line { get; }

    /// <summary>The column, from 1.</summary>
    public int Column { get; }
}
