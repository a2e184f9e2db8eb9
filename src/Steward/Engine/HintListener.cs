using Microsoft.Extensions.Hosting;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Hears what other processes do to the same store, so that neither the
/// worker nor a waiting caller here has to wait for its next poll.</summary>
internal sealed class HintListener(IStewardStore store, RunHub hub) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (store.GetService<IHintingStore>() is not { } hinting)
            return;
        await foreach (RunId? run in hinting.HintsAsync(stoppingToken))
            hub.Hint(run);
    }
}
