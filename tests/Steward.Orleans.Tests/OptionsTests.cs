using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Hosting;

namespace Steward.Orleans.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void UseStewardOrleans_BeforeAddSteward_SaysWhatToCall()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);

        Assert.Contains("AddSteward", Assert.Throws<InvalidOperationException>(() => builder.UseStewardOrleans()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UseStewardOrleans_Twice_IsRefused()
    {
        HostApplicationBuilder builder = WithSteward();
        builder.UseStewardOrleans();

        Assert.Throws<InvalidOperationException>(() => builder.UseStewardOrleansClient());
    }

    [Theory]
    [InlineData("SiloPort", "0")]
    [InlineData("GatewayPort", "11111")]
    [InlineData("ClusterId", " ")]
    [InlineData("MissedProbes", "0")]
    [InlineData("FollowQueue", "0")]
    public void UseStewardOrleans_BadOption_NamesItAndItsValue(string name, string value)
    {
        HostApplicationBuilder builder = WithSteward();

        ArgumentException e = Assert.Throws<ArgumentException>(() => builder.UseStewardOrleans(o =>
        {
            System.Reflection.PropertyInfo option = typeof(StewardOrleansOptions).GetProperty(name)!;
            option.SetValue(o, Convert.ChangeType(value, option.PropertyType, System.Globalization.CultureInfo.InvariantCulture));
        }));

        Assert.Contains($"{name} is '{value}'", e.Message, StringComparison.Ordinal);
    }

    private static HostApplicationBuilder WithSteward()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSteward().UseInMemoryStore();
        return builder;
    }
}
