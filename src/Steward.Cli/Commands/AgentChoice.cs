using Steward.Declarative;

namespace Steward.Cli.Commands;

/// <summary>Reads the agent of a folder, with the speaker (scripted or real)
/// that a run had where that makes it the very same definition.</summary>
internal static class AgentChoice
{
    /// <param name="context">The command's context.</param>
    /// <param name="folder">The agent's folder.</param>
    /// <param name="hash">The definition that would be best.</param>
    /// <param name="scripted">Whether the scripted model is wanted.</param>
    public static AgentFile Load(CommandContext context, string folder, string hash, bool scripted = false)
    {
        AgentFile file = AgentFile.Load(folder, new AgentFileOptions { Scripted = scripted, Time = context.Time });
        if (file.Agent.Hash == hash || scripted)
            return file;
        try
        {
            AgentFile other = AgentFile.Load(folder, new AgentFileOptions { Scripted = true, Time = context.Time });
            return other.Agent.Hash == hash ? other : file;
        }
        catch (AgentFileException)
        {
            return file; // It has no script.
        }
    }

    /// <summary>The agent's folder that a command means: the one given, or this one where it holds an agent.</summary>
    public static string? Folder(string? given) =>
        given ?? (File.Exists("agent.yaml") || File.Exists("agent.yml") ? "." : null);
}
