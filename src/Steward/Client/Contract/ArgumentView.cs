using System.Text.Json;
using Steward.Tools;

namespace Steward.Client.Contract;

/// <summary>An argument of a call as a list shows it: in its own script, with escapes only where it could deceive.</summary>
/// <param name="Name">The argument's name.</param>
/// <param name="Text">Its value as JSON; where it is longer than 160 characters, its beginning and how much is missing.</param>
/// <param name="Shortened">Whether name or value are longer than what is shown.</param>
public sealed record ArgumentView(string Name, string Text, bool Shortened)
{
    /// <summary>The arguments of a call, shortened, in their order.</summary>
    public static IReadOnlyList<ArgumentView> Of(JsonElement arguments) => Of(arguments, ArgumentText.Shown);

    /// <summary>The arguments of a call, whole, in their order.</summary>
    public static IReadOnlyList<ArgumentView> Whole(JsonElement arguments) => Of(arguments, int.MaxValue);

    private static IReadOnlyList<ArgumentView> Of(JsonElement arguments, int most) => arguments.ValueKind != JsonValueKind.Object
        ? [One(("", false), arguments, most)]
        : [.. ArgumentOrder.LastOfEachName(arguments).Select(p => One(ArgumentText.Name(p, most), p.Value, most))];

    private static ArgumentView One((string Text, bool Shortened) name, JsonElement value, int most)
    {
        (string text, bool shortened) = ArgumentText.Write(value, most);
        return new(name.Text, text, name.Shortened || shortened);
    }
}
