using System.Diagnostics;
using Steward.Diagnostics.Tracing;

namespace Steward.Tests.Diagnostics;

/// <summary>Fails when a new runtime renames the field that holds a span's id.</summary>
public sealed class ActivityIdsTests
{
    [Fact]
    public void Runtime_LetsASpansIdBeSet() => Assert.True(ActivityIds.IsSupported);

    [Fact]
    public void Set_StartedActivity_HasTheIdAndItsChildrenToo()
    {
        using var parent = new Activity("parent");
        parent.SetIdFormat(ActivityIdFormat.W3C).Start();
        ActivityIds.Set(parent, ActivitySpanId.CreateFromString("1112131415161718"));
        using Activity child = new Activity("child").Start();

        Assert.Equal("1112131415161718", parent.SpanId.ToHexString());
        Assert.Equal(parent.SpanId, child.ParentSpanId);
    }

    [Fact]
    public void InTrace_ActivityWithoutParent_BelongsToIt()
    {
        var trace = ActivityTraceId.CreateFromString("0102030405060708090a0b0c0d0e0f10");
        Activity.Current = null;

        using Activity activity = ActivityIds.InTrace(trace, () => new Activity("root").SetIdFormat(ActivityIdFormat.W3C).Start());

        Assert.Equal(trace, activity.TraceId);
    }
}
