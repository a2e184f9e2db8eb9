using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Models;

namespace Steward.Bench;

/// <summary>What the bound of a message's tokens costs when it is counted for the first time, and afterwards.</summary>
internal static class EstimateBench
{
    private static readonly string[] s_items = ["9421195098", "3557711149"];

    private const int Size = 100 * 1_024;

    public static Task RunAsync(Report report, bool quick)
    {
        TimeSpan longest = TimeSpan.FromSeconds(quick ? 0.5 : 2);
        (string Name, string Text)[] texts =
        [
            ("English text", Repeat(i =>
                $"The customer of order {i} asked whether the parcel can be delivered to the neighbours instead, since nobody is at home before six. ")),
            ("JSON", Repeat(i => JsonSerializer.Serialize(
                new { order_id = $"#W{i:D7}", status = "delivered", total = i * 1.25, items = s_items }))),
            ("base64", Convert.ToBase64String(Bytes(Size * 3 / 4))),
            ("Chinese text", Repeat(i => $"客户询问订单{i}是否可以改送到邻居家，因为六点之前家里没有人。")),
        ];
        foreach ((string name, string text) in texts)
            Measure(report, name, text, longest);
        return Task.CompletedTask;
    }

    private static void Measure(Report report, string name, string text, TimeSpan longest)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        Series first = Time(longest, () => Message(text));
        ChatMessage known = Message(text);
        ContentEstimate.Of(known);
        Series again = Time(longest / 4, () => known);
        report.Add(
            $"Token bound of a tool result of {bytes / 1_024} KiB, {name}",
            $"{first.Median / 1_000:0.00} ms, {bytes / first.Median:0} MB/s",
            "",
            $"again: {again.Median:0.00} µs",
            $"{first.Range("0")} µs",
            "≤ 1 ms",
            first.Median <= 1_000);
    }

    private static Series Time(TimeSpan longest, Func<ChatMessage> message)
    {
        Series series = new();
        long began = Stopwatch.GetTimestamp();
        for (int round = 0; Stopwatch.GetElapsedTime(began) < longest || round < 60; round++)
        {
            ChatMessage one = message();
            long start = Stopwatch.GetTimestamp();
            ContentEstimate.Of(one);
            if (round >= 30) // Those before are for the JIT compiler.
                series.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        return series;
    }

    private static ChatMessage Message(string text) => new(ChatRole.Tool, [new FunctionResultContent("c", text)]);

    private static string Repeat(Func<int, string> part)
    {
        StringBuilder text = new();
        for (int i = 0, bytes = 0; bytes < Size; i++)
        {
            string next = part(i);
            text.Append(next);
            bytes += Encoding.UTF8.GetByteCount(next);
        }

        return text.ToString();
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
