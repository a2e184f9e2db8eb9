using System.Text.Json;
using Steward.Cli;
using Steward.Cli.Host;
using Steward.Cli.Rendering;

// Runs commands of the program one after the other, each in the folder that it names, so that tests do not pay for a new process each.
// One line in, one line out; the end of the input is the end of the process.
while (await Console.In.ReadLineAsync() is { } line)
{
    JsonElement request = JsonElement.Parse(line);
    string[] command = [.. request.GetProperty("args").EnumerateArray().Select(a => a.GetString()!)];
    Environment.CurrentDirectory = request.GetProperty("folder").GetString()!;
    using var output = new StringWriter();
    using var error = new StringWriter();
    int code;
    using (var shutdown = new Shutdown())
        code = await CommandLine.RunAsync(command, Output.Piped(command, output, error), shutdown, TimeProvider.System);
    Environment.CurrentDirectory = Path.GetTempPath();
    Console.Out.WriteLine(JsonSerializer.Serialize(new { code, output = output.ToString(), error = error.ToString() }));
}
