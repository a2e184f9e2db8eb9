using Steward.Declarative.Scripts;
using Steward.Testing.Scripting;

namespace Steward.Declarative;

/// <summary>A scripted model in YAML; <c>docs/scripted-models.md</c> is the reference.</summary>
public static class ScriptFile
{
    /// <summary>Reads a script from its file.</summary>
    /// <param name="path">The file; its name without the extension names the script when the script does not.</param>
    /// <param name="time">The clock for delays; null for the system's.</param>
    /// <exception cref="AgentFileException">It cannot be read; the message says where and what to write instead.</exception>
    public static ScriptedChatClient Load(string path, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return ScriptReader.Read(Yaml.YamlFile.Read(path), time);
    }

    /// <summary>Reads a script from a text.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="path">Where it came from, for errors; its name without the extension names the script when the script does not.</param>
    /// <param name="time">The clock for delays; null for the system's.</param>
    /// <exception cref="AgentFileException">It cannot be read; the message says where and what to write instead.</exception>
    public static ScriptedChatClient Parse(string text, string path = "script.yaml", TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return ScriptReader.Read(Yaml.YamlFile.Parse(text, path), time);
    }
}
