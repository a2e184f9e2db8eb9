using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Steward.Hosting;
using Steward.Models;

namespace Steward.Declarative;

/// <summary>Adds agents that files declare.</summary>
public static class StewardBuilderExtensions
{
    /// <summary>Adds the agent of an <c>agent.yaml</c>, the agents that it calls,
    /// their models and their prices. The store stays the host's choice.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="path">A folder with an <c>agent.yaml</c>, or a file. It is read at once.</param>
    /// <param name="options">What it may depend on from outside.</param>
    /// <exception cref="AgentFileException">Something is wrong; the message says where and what to do.</exception>
    /// <exception cref="InvalidOperationException">A file that was added before
    /// means another agent or another provider by the same name.</exception>
    public static StewardBuilder AddAgentFile(this StewardBuilder builder, string path, AgentFileOptions? options = null) =>
        AddAgentFile(builder, AgentFile.Load(path, options));

    /// <summary>Adds an agent that was read from its file.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="file">The agent, from <see cref="AgentFile.Load"/>.</param>
    /// <exception cref="InvalidOperationException">A file that was added before
    /// means another agent or another provider by the same name.</exception>
    public static StewardBuilder AddAgentFile(this StewardBuilder builder, AgentFile file)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(file);
        AgentFiles files = Files(builder.Services);
        foreach (AgentFile one in files.Add(file))
            builder.AddAgent(one.Agent);
        foreach (string provider in file.All.SelectMany(f => f.Providers.Keys).Distinct())
            builder.AddModels(provider, (_, target) => files.Create(target));
        // Backwards: of two prices for one model the last holds, and that shall be the one of the file that was named.
        ModelInfo[] prices = [.. file.All.Reverse().SelectMany(f => f.Prices)];
        builder.Services.Configure<StewardOptions>(o =>
        {
            foreach (ModelInfo price in prices)
                o.Prices.Add(price);
        });
        return builder;
    }

    private static AgentFiles Files(IServiceCollection services)
    {
        services.TryAddSingleton(new AgentFiles());
        return (AgentFiles)services.Last(s => s.ServiceType == typeof(AgentFiles)).ImplementationInstance!;
    }
}
