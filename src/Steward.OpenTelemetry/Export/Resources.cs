using OpenTelemetry.Resources;
using Steward.OpenTelemetry.Presets;

namespace Steward.OpenTelemetry.Export;

/// <summary>Says who sends; what the application or its environment says stays where no option says otherwise.</summary>
internal static class Resources
{
    public static void Describe(ResourceBuilder resource, TelemetryTarget target, TelemetryOptions options)
    {
        if (options.ServiceName is { } name)
            resource.AddService(name);
        if (target.Resource.Count > 0)
            resource.AddAttributes(target.Resource);
    }
}
