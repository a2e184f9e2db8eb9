using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.Tools;

namespace Steward.Tests.Engine.Seams;

/// <summary>An example of a tool source: a server whose tools are known only when it is asked.</summary>
internal sealed class CatalogSource(params OfferedTool[] tools) : IToolSource
{
    private static readonly JsonElement s_object = JsonElement.Parse("""{"type":"object"}""");

    public string Name => "catalog";

    public string Fingerprint => "catalog://test";

    public int Revision { get; set; }

    public IReadOnlyList<OfferedTool> Tools { get; set; } = tools;

    /// <summary>How often it was asked what it offers.</summary>
    public int Asked { get; private set; }

    /// <summary>The calls that it made.</summary>
    public List<string> Calls { get; } = [];

    public bool IsDown { get; set; }

    public static OfferedTool Tool(string name, string description = "Looks something up.") => new(name, description, s_object) { Effect = ToolEffect.ReadOnly };

    public ValueTask<IReadOnlyList<OfferedTool>> OfferAsync(ContextRequest request, CancellationToken cancellationToken)
    {
        Asked++;
        return IsDown ? throw new IOException("connection refused") : new(Tools);
    }

    public ValueTask<ToolOutput> CallAsync(string tool, ToolContext context, JsonElement arguments, CancellationToken cancellationToken)
    {
        Calls.Add(tool);
        return new(new ToolOutput($"{tool} says seven"));
    }
}
