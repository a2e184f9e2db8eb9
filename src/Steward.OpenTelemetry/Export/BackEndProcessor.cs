using System.Diagnostics;
using OpenTelemetry;
using Steward.Diagnostics.Tracing;

namespace Steward.OpenTelemetry.Export;

/// <summary>Adds a back end's own attributes to Steward's spans before they are sent.</summary>
internal sealed class BackEndProcessor(Action<Activity> describe) : BaseProcessor<Activity>
{
    public override void OnEnd(Activity data)
    {
        if (data.Source.Name == SpanSource.Name)
            describe(data);
    }
}
