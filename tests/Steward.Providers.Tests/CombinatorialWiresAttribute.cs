using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Steward.Providers.Tests;

/// <summary>Both wires, streamed and not.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CombinatorialWiresAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(
        [
            new TheoryDataRow<Api, bool>(Api.Anthropic, false),
            new TheoryDataRow<Api, bool>(Api.Anthropic, true),
            new TheoryDataRow<Api, bool>(Api.OpenAI, false),
            new TheoryDataRow<Api, bool>(Api.OpenAI, true),
        ]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
