using System.Diagnostics;
using OpenTelemetry;

namespace Steward.OpenTelemetry.Export;

/// <summary>Sends in batches, beside the application; what has no place in the queue, or is not taken, is counted.</summary>
internal sealed class BoundedProcessor : BaseProcessor<Activity>
{
    private readonly BatchActivityExportProcessor _batches;
    private readonly Losses _losses;
    private readonly int _length;
    private int _waiting;

    public BoundedProcessor(BaseExporter<Activity> exporter, Losses losses, TelemetryOptions options)
    {
        _losses = losses;
        _length = options.QueueLength;
        _batches = new BatchActivityExportProcessor(
            new Counted(this, exporter),
            maxQueueSize: options.QueueLength,
            scheduledDelayMilliseconds: 1_000,
            exporterTimeoutMilliseconds: (int)options.Timeout.TotalMilliseconds,
            maxExportBatchSize: Math.Min(512, options.QueueLength));
    }

    public override void OnEnd(Activity data)
    {
        if (!data.Recorded)
            return;
        // What is being sent counts too, so that the queue behind this one is never full and drops nothing unseen.
        if (Interlocked.Increment(ref _waiting) > _length)
        {
            Interlocked.Decrement(ref _waiting);
            _losses.Add(1);
            return;
        }

        _batches.OnEnd(data);
    }

    protected override bool OnForceFlush(int timeoutMilliseconds) => _batches.ForceFlush(timeoutMilliseconds);

    protected override bool OnShutdown(int timeoutMilliseconds) => _batches.Shutdown(timeoutMilliseconds);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _batches.Dispose();
        base.Dispose(disposing);
    }

    private sealed class Counted(BoundedProcessor owner, BaseExporter<Activity> exporter) : BaseExporter<Activity>
    {
        public override ExportResult Export(in Batch<Activity> batch)
        {
            int count = (int)batch.Count;
            ExportResult result = exporter.Export(batch);
            Interlocked.Add(ref owner._waiting, -count);
            if (result != ExportResult.Success)
                owner._losses.Add(count);
            return result;
        }

        protected override bool OnForceFlush(int timeoutMilliseconds) => exporter.ForceFlush(timeoutMilliseconds);

        protected override bool OnShutdown(int timeoutMilliseconds) => exporter.Shutdown(timeoutMilliseconds);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                exporter.Dispose();
            base.Dispose(disposing);
        }
    }
}
