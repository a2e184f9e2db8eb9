using System.Globalization;
using System.Text.Json;
using Peer = Json.Schema;

namespace Steward.JsonSchemas.Tests;

/// <summary>An implementation by other people, JsonSchema.Net, must come to the same verdicts.</summary>
/// <remarks>STEWARD_PEER_PAIRS says how many pairs of a schema and an instance are compared; 2,000 when it is not set.</remarks>
public sealed class PeerTests(ITestOutputHelper output)
{
    private const int InstancesEach = 4;
    private const int ShownDifferences = 10;

    [Fact]
    public void IsValid_RandomSchemasAndInstances_AgreesWithThePeer()
    {
        int pairs = int.Parse(Environment.GetEnvironmentVariable("STEWARD_PEER_PAIRS") ?? "2000", CultureInfo.InvariantCulture);
        List<string> differences = [];
        int compared = 0, valid = 0;
        for (int seed = 0; compared < pairs && differences.Count < ShownDifferences; seed++)
        {
            RandomSchema random = new(seed);
            string schema = random.Schema();
            JsonSchema ours = JsonSchema.Parse(JsonElement.Parse(schema));
            Peer.JsonSchema theirs = PeerOf(schema);
            for (int i = 0; i < InstancesEach; i++, compared++)
            {
                string instance = random.Instance();
                bool own = ours.IsValid(JsonElement.Parse(instance));
                if (own != theirs.Evaluate(JsonElement.Parse(instance)).IsValid)
                    differences.Add($"seed {seed}: ours says {own}, the peer {!own}\n  schema   {schema}\n  instance {instance}");
                valid += own ? 1 : 0;
            }
        }

        output.WriteLine($"{compared} pairs compared, {valid} of them valid");
        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.InRange(valid, compared / 5, compared * 4 / 5); // Else the pairs say little.
    }

    /// <summary>Each schema has its own registry: the default one keeps every schema for ever.</summary>
    private static Peer.JsonSchema PeerOf(string schema) =>
        Peer.JsonSchema.FromText(schema, new() { SchemaRegistry = new(), Dialect = Peer.Dialect.Draft202012 });
}
