using Steward.Storage;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Steward.Declarative.Yaml;

/// <summary>
/// Holds a YAML document within bounds before any tree is made of it: its values with all aliases followed, its depth, its aliases, and
/// that none leads back to itself. The parser is a machine without a stack, and an alias costs it nothing; what reads a tree walks it all.
/// </summary>
internal sealed class YamlBounds(YamlFile file)
{
    public const int MaxDepth = 64;
    public const int MaxNodes = 100_000;
    public const int MaxAliases = 1_000;

    /// <summary>What each anchor holds; null while its value is still being read.</summary>
    private readonly Dictionary<AnchorName, Extent?> _anchors = [];
    private readonly Stack<Open> _open = new();
    private long _nodes;
    private int _aliases;

    /// <exception cref="AgentFileException">The document is out of bounds; the message says where.</exception>
    public void Check(Parser parser)
    {
        while (parser.MoveNext())
        {
            switch (parser.Current)
            {
                case MappingStart or SequenceStart:
                    Begin((NodeEvent)parser.Current);
                    break;
                case MappingEnd or SequenceEnd:
                    End();
                    break;
                case Scalar scalar:
                    Leaf(scalar);
                    break;
                case AnchorAlias alias:
                    Follow(alias);
                    break;
                case DocumentStart:
                    _anchors.Clear();
                    break;
            }
        }
    }

    private void Begin(NodeEvent node)
    {
        Add(node, new Extent(1, 1));
        _open.Push(new Open(node.Anchor, _nodes - 1));
        if (!node.Anchor.IsEmpty)
            _anchors[node.Anchor] = null;
    }

    private void End()
    {
        Open ended = _open.Pop();
        var extent = new Extent(_nodes - ended.Before, ended.Depth + 1);
        if (!ended.Anchor.IsEmpty)
            _anchors[ended.Anchor] = extent;
        Deepen(extent.Depth);
    }

    private void Leaf(Scalar scalar)
    {
        try
        {
            InputRules.CheckText("text", scalar.Value);
        }
        catch (InvalidInputException e)
        {
            throw Error(scalar, e.Message.Replace("'text'", "This text", StringComparison.Ordinal));
        }

        var extent = new Extent(1, 1);
        if (!scalar.Anchor.IsEmpty)
            _anchors[scalar.Anchor] = extent;
        Add(scalar, extent);
    }

    private void Follow(AnchorAlias alias)
    {
        if (++_aliases > MaxAliases)
            throw Error(alias, $"The file has more than {MaxAliases} aliases; write some of the values out.");
        if (!_anchors.TryGetValue(alias.Value, out Extent? extent))
            return; // An anchor that is not there is for the parser of the tree to say.
        Add(
            alias,
            extent ?? throw Error(
                alias, $"The alias '*{alias.Value}' stands within the value that it names, which so has no end. Write that value out."));
    }

    private void Add(ParsingEvent at, Extent extent)
    {
        _nodes += extent.Nodes;
        if (_nodes > MaxNodes)
            throw Error(at, $"The file has more than {MaxNodes} values once its aliases are followed; write it without them.");
        if (_open.Count + extent.Depth > MaxDepth)
            throw Error(at, $"The file is nested more than {MaxDepth} levels deep once its aliases are followed; write it flatter.");
        Deepen(extent.Depth);
    }

    private void Deepen(int depth)
    {
        if (_open.TryPeek(out Open? parent) && depth > parent.Depth)
            parent.Depth = depth;
    }

    private AgentFileException Error(ParsingEvent at, string message) => file.Error(at.Start.Line, at.Start.Column, message);

    /// <summary>How large a value is once its aliases are followed.</summary>
    private sealed record Extent(long Nodes, int Depth);

    /// <summary>A map or list that is being read, and how deep its values go.</summary>
    private sealed class Open(AnchorName anchor, long before)
    {
        public AnchorName Anchor => anchor;

        public long Before => before;

        public int Depth { get; set; }
    }
}
