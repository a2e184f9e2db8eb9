using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary><c>plan.made</c>: the planner's plan was accepted; it is carried out once nobody has to approve it any more.</summary>
public sealed record PlanMade(int Round, Plan Plan) : RunEvent;
