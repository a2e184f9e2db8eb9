using System.Text.Json;
using Steward.Agents;
using Steward.Journal;

namespace Steward.Tests.Engine.Seams;

/// <summary>An example of a context source: notes about the user when a run opens, and a reminder before each turn after the first.</summary>
internal sealed class NotesSource(string note) : IContextSource
{
    public string Name => "notes";

    /// <summary>How often it was asked.</summary>
    public int Asked { get; private set; }

    public ValueTask<IReadOnlyList<ContextEvent>> ReadAsync(ContextRequest request, CancellationToken cancellationToken)
    {
        Asked++;
        return new(request.Turn switch
        {
            0 => [new ContextAdded(Name, 0, note, JsonElement.Parse("""{"score":0.9}"""))],
            1 => [],
            _ => [new ContextAdded(Name, request.Turn, $"This is turn {request.Turn}.")],
        });
    }
}
