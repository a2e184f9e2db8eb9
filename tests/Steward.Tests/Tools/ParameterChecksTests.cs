using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Steward.Tools;

namespace Steward.Tests.Tools;

/// <summary>A parameter that no model can fill in is an error when the tool is made, not a call that never works.</summary>
public sealed class ParameterChecksTests
{
    public static TheoryData<Delegate, string> Unusable => new()
    {
        { (object anything) => "", "System.Object" },
        { (ILogger logger) => "", "Microsoft.Extensions.Logging.ILogger" },
        { (IShape shape) => "", "IShape" },
        { (Stream content) => "", "System.IO.Stream" },
        { (Action done) => "", "System.Action" },
        { (Func<int> ask) => "", "Func" },
        { (Type type) => "", "System.Type" },
        { (List<object> items) => "", "List" },
        { (Dictionary<string, IShape> shapes) => "", "Dictionary" },
        { (nint handle) => "", "System.IntPtr" },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void FromMethod_ATypeWithoutASchema_IsNamedWithTheRemedy(Delegate method, string type)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(
            () => ToolFactory.FromMethod(method, new ToolOptions { Name = "act", Description = "Acts." }));

        Assert.StartsWith($"The parameter '{method.Method.GetParameters()[0].Name}' of the tool 'act' has the type ", e.Message, StringComparison.Ordinal);
        Assert.Contains(type, e.Message, StringComparison.Ordinal);
        Assert.Contains("[FromHost]", e.Message, StringComparison.Ordinal);
    }

    public static TheoryData<Delegate> Usable => new()
    {
        (JsonElement any) => "",
        (JsonElement? any) => "",
        (JsonNode any) => "",
        (JsonObject any) => "",
        (string text, int? n, decimal d, bool b, DayOfWeek day, Guid id, Uri uri, TimeSpan time, DateTimeOffset at) => "",
        (IReadOnlyList<string> items, int[] numbers, HashSet<Guid> set, IDictionary<string, decimal> prices) => "",
        (Point point, Point[] points, Point? perhaps) => "",
        ([FromHost] ILogger logger, ToolContext context, CancellationToken token) => "",
        (byte[] data) => "",
    };

    [Theory]
    [MemberData(nameof(Usable))]
    public void FromMethod_ATypeWithASchema_IsATool(Delegate method) =>
        Assert.Equal("act", ToolFactory.FromMethod(method, new ToolOptions { Name = "act", Description = "Acts." }).Name);

    public interface IShape
    {
        double Area { get; }
    }

    public sealed record Point(double X, double Y, Point? Next = null);
}
