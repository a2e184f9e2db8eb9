using System.Globalization;
using Steward.ClusterBench.Scenarios;

namespace Steward.ClusterBench;

/// <summary>What is asked for on the command line.</summary>
internal sealed record Arguments
{
    private const string Usage = "Usage: [all|quick|list|NAME…] [--seed N] [--parallel N] [--sabotage DEFECT]";

    public IReadOnlyList<Scenario> Scenarios { get; init; } = [];

    public bool IsList { get; init; }

    public int Seed { get; init; } = 1;

    /// <summary>Scenarios at once. Each has its own server, folder and processes; times are longer then.</summary>
    public int Parallel { get; init; } = 1;

    /// <summary>A defect that is put in on purpose: the bench has to fail.</summary>
    public string? Sabotage { get; init; }

    public static bool TryParse(string[] args, out Arguments asked, out string error)
    {
        asked = new Arguments();
        List<string> names = [];
        for (int i = 0; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
            {
                names.Add(args[i]);
                continue;
            }

            string option = args[i], value = ++i < args.Length ? args[i] : "";
            bool isNumber = int.TryParse(value, CultureInfo.InvariantCulture, out int number) && number >= 0;
            switch (option)
            {
                case "--seed" when isNumber:
                    asked = asked with { Seed = number };
                    break;
                case "--parallel" when isNumber && number > 0:
                    asked = asked with { Parallel = number };
                    break;
                case "--sabotage" when ClusterBench.Sabotage.All.Contains(value):
                    asked = asked with { Sabotage = value };
                    break;
                case "--sabotage":
                    return Refuse($"There is no defect '{value}'; expected {string.Join(", ", ClusterBench.Sabotage.All)}.", out error);
                default:
                    return Refuse($"'{option} {value}' is not understood.", out error);
            }
        }

        if (names is ["list"])
            asked = asked with { IsList = true };
        foreach (string name in names is [] ? ["all"] : names is ["list"] ? [] : names)
        {
            Scenario[] found = [.. Catalogue.All.Where(s => name == "all" || (name == "quick" && s.IsQuick) || s.Name == name)];
            if (found.Length == 0)
                return Refuse($"There is no scenario '{name}'; 'list' names them.", out error);
            asked = asked with { Scenarios = [.. asked.Scenarios.Union(found)] };
        }

        error = "";
        return true;
    }

    private static bool Refuse(string what, out string error)
    {
        error = $"{what} {Usage}";
        return false;
    }
}
