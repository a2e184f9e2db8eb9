using Steward.Declarative.Yaml;
using Steward.Tools;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>built_ins</c>: tools that the runtime itself carries out.</summary>
internal static class BuiltInSection
{
    private static readonly Dictionary<string, ToolDefinition> s_known = new ToolDefinition[]
    {
        BuiltInTools.AskUser,
        BuiltInTools.WaitUntil,
        BuiltInTools.HandOff,
    }
        .ToDictionary(t => t.Name, StringComparer.Ordinal);

    /// <summary>Adds them to the tools of the file.</summary>
    public static void Read(YamlValue? value, List<ToolDefinition> tools)
    {
        foreach (YamlValue name in value?.List("'built_ins'") ?? [])
        {
            ToolDefinition tool = name.OneOf("a built-in tool", s_known);
            if (tools.Any(t => t.Name.Equals(tool.Name, StringComparison.OrdinalIgnoreCase)))
                throw name.Error($"There is a tool '{tool.Name}' already. Leave one of the two out.");
            tools.Add(tool);
        }
    }
}
