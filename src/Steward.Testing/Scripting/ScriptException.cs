namespace Steward.Testing.Scripting;

/// <summary>A script cannot be read; names the file, the line, the value and the remedy.</summary>
public sealed class ScriptException : StewardException
{
    /// <summary>Creates the error.</summary>
    public ScriptException(string path, long line, string message, Exception? innerException = null)
        : base($"{path}:{line}: {message}", innerException)
    {
        Path = path;
        Line = line;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The line, from 1.</summary>
    public long Line { get; }
}
