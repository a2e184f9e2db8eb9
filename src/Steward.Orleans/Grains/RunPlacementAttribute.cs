using Microsoft.Extensions.DependencyInjection;
using Orleans.Metadata;
using Orleans.Placement;
using Orleans.Runtime;

namespace Steward.Orleans.Grains;

/// <summary>Places runs as the options say, and leaves the placement of other grains alone.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class RunPlacementAttribute : Attribute, IGrainPropertiesProviderAttribute
{
    public void Populate(IServiceProvider services, Type grainClass, GrainType grainType, Dictionary<string, string> properties)
    {
        // A process that is no silo knows the class too, but places nothing.
        PlacementAttribute chosen = services.GetService<StewardOrleansOptions>()?.Placement == RunPlacement.ActivationCount
            ? new ActivationCountBasedPlacementAttribute()
            : new RandomPlacementAttribute();
        chosen.Populate(services, grainClass, grainType, properties);
    }
}
