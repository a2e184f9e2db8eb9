namespace Steward.TimeTravel;

/// <summary>Aligns what happened in two runs by their longest common course. Pure.</summary>
internal static class Alignment
{
    /// <summary>The most moments on both sides that fit a table; beyond it the middle is compared place by place.</summary>
    private const int MaxTable = 4_000_000;

    public static IEnumerable<RunDifference> Of(IReadOnlyList<RunMoment> left, IReadOnlyList<RunMoment> right)
    {
        int start = 0;
        while (start < left.Count && start < right.Count && left[start].Matches(right[start]))
            start++;
        int end = 0;
        while (end < left.Count - start && end < right.Count - start && left[^(end + 1)].Matches(right[^(end + 1)]))
            end++;
        RunMoment[] a = [.. left.Take(left.Count - end).Skip(start)], b = [.. right.Take(right.Count - end).Skip(start)];
        return Pair((long)a.Length * b.Length <= MaxTable ? Walk(a, b) : ByPlace(a, b));
    }

    private static IEnumerable<(RunMoment? Left, RunMoment? Right)> Walk(RunMoment[] a, RunMoment[] b)
    {
        int[,] common = new int[a.Length + 1, b.Length + 1];
        for (int i = a.Length - 1; i >= 0; i--)
        {
            for (int j = b.Length - 1; j >= 0; j--)
                common[i, j] = a[i].Matches(b[j]) ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        int x = 0, y = 0;
        while (x < a.Length || y < b.Length)
        {
            if (x < a.Length && y < b.Length && a[x].Matches(b[y]))
                yield return (a[x++], b[y++]);
            else if (y == b.Length || (x < a.Length && common[x + 1, y] >= common[x, y + 1]))
                yield return (a[x++], null);
            else
                yield return (null, b[y++]);
        }
    }

    private static IEnumerable<(RunMoment? Left, RunMoment? Right)> ByPlace(RunMoment[] a, RunMoment[] b)
    {
        for (int i = 0; i < Math.Max(a.Length, b.Length); i++)
        {
            if (i < a.Length && i < b.Length && a[i].Matches(b[i]))
            {
                yield return (a[i], b[i]);
                continue;
            }

            if (i < a.Length)
                yield return (a[i], null);
            if (i < b.Length)
                yield return (null, b[i]);
        }
    }

    /// <summary>Between two common moments, what one run did in place of the other stands in one line.</summary>
    private static IEnumerable<RunDifference> Pair(IEnumerable<(RunMoment? Left, RunMoment? Right)> course)
    {
        List<RunMoment> left = [], right = [];
        foreach ((RunMoment? a, RunMoment? b) in course.Append((null, null)))
        {
            if (a is not null && b is null)
                left.Add(a);
            else if (b is not null && a is null)
                right.Add(b);
            else
            {
                foreach (RunDifference difference in Between(left, right))
                    yield return difference;
                left.Clear();
                right.Clear();
            }
        }
    }

    private static IEnumerable<RunDifference> Between(List<RunMoment> left, List<RunMoment> right)
    {
        int taken = 0;
        foreach (RunMoment a in left)
        {
            int at = right.FindIndex(taken, b => b.Kind == a.Kind);
            if (at < 0)
            {
                yield return new RunDifference(a.Kind, a, null);
                continue;
            }

            foreach (RunMoment skipped in right[taken..at])
                yield return new RunDifference(skipped.Kind, null, skipped);
            yield return new RunDifference(a.Kind, a, right[at]);
            taken = at + 1;
        }

        foreach (RunMoment b in right[taken..])
            yield return new RunDifference(b.Kind, null, b);
    }
}
