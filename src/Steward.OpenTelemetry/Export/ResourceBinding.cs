using System.Diagnostics;
using OpenTelemetry;

namespace Steward.OpenTelemetry.Export;

/// <summary>Sends nothing: tells an exporter its provider, and so the resource, which <see cref="BoundedProcessor"/> has no way to do.</summary>
/// <remarks>Add it after the processor that sends, for it ends the exporter with itself.</remarks>
internal sealed class ResourceBinding(BaseExporter<Activity> exporter) : BaseExportProcessor<Activity>(exporter)
{
    public override void OnEnd(Activity data)
    {
    }

    protected override void OnExport(Activity data)
    {
    }
}
