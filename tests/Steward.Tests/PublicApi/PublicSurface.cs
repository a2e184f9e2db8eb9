using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Steward.Tests.PublicApi;

/// <summary>What callers of an assembly can see, as sorted text: types, members, signatures. Read from its metadata, so nothing of it is loaded.</summary>
internal sealed class PublicSurface(MetadataReader reader) : ISignatureTypeProvider<string, GenericParameterHandleCollection[]>
{
    private const MethodAttributes Overrides = MethodAttributes.Virtual | MethodAttributes.NewSlot;

    public static string[] Of(string assembly)
    {
        using PEReader file = new(File.OpenRead(assembly));
        PublicSurface surface = new(file.GetMetadataReader());
        return [.. surface.Types().OrderBy(type => type[0], StringComparer.Ordinal).SelectMany(type => type)];
    }

    private IEnumerable<string[]> Types() =>
        from handle in reader.TypeDefinitions
        let type = reader.GetTypeDefinition(handle)
        where IsVisible(type)
        select (string[])[Declare(handle, type), .. Members(type).Order(StringComparer.Ordinal).Select(member => $"  {member}")];

    private bool IsVisible(TypeDefinition type) => !Text(type.Name).StartsWith('<') && (type.Attributes & TypeAttributes.VisibilityMask) switch
    {
        TypeAttributes.Public => true,
        TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem => IsVisible(reader.GetTypeDefinition(type.GetDeclaringType())),
        _ => false,
    };

    private string Declare(TypeDefinitionHandle handle, TypeDefinition type)
    {
        string above = NameOf(type.BaseType, type);
        bool isSealed = type.Attributes.HasFlag(TypeAttributes.Sealed), isAbstract = type.Attributes.HasFlag(TypeAttributes.Abstract);
        string kind = type.Attributes.HasFlag(TypeAttributes.Interface) ? "interface"
            : above == "System.Enum" ? "enum"
            : above == "System.ValueType" ? "struct"
            : above == "System.MulticastDelegate" ? "delegate"
            : isSealed && isAbstract ? "static class" : isSealed ? "sealed class" : isAbstract ? "abstract class" : "class";
        IEnumerable<string> bases = type.GetInterfaceImplementations().Select(i => NameOf(reader.GetInterfaceImplementation(i).Interface, type)).Order(StringComparer.Ordinal);
        string[] listed = [.. kind.EndsWith("class", StringComparison.Ordinal) && above is not "object" ? [above] : Array.Empty<string>(), .. bases];
        return $"{GetTypeFromDefinition(reader, handle, 0)}{Parameters(type.GetGenericParameters())} ({kind}){(listed.Length > 0 ? " : " + string.Join(", ", listed) : "")}";
    }

    private IEnumerable<string> Members(TypeDefinition type)
    {
        foreach (FieldDefinition field in type.GetFields().Select(reader.GetFieldDefinition))
        {
            if (IsSeen((MethodAttributes)(field.Attributes & FieldAttributes.FieldAccessMask), type) && !field.Attributes.HasFlag(FieldAttributes.SpecialName))
                yield return $"{Modifiers((MethodAttributes)(field.Attributes & (FieldAttributes.FieldAccessMask | FieldAttributes.Static)))}{Text(field.Name)} : {field.DecodeSignature(this, [type.GetGenericParameters()])}{Constant(field.GetDefaultValue())}";
        }

        foreach (PropertyDefinition property in type.GetProperties().Select(reader.GetPropertyDefinition))
        {
            PropertyAccessors by = property.GetAccessors();
            if (!IsSeen(by.Getter, type) && !IsSeen(by.Setter, type))
                continue;
            MethodSignature<string> signature = property.DecodeSignature(this, [type.GetGenericParameters()]);
            string set = !IsSeen(by.Setter, type) ? "" : reader.GetMethodDefinition(by.Setter).DecodeSignature(this, [type.GetGenericParameters()]).ReturnType.Contains("IsExternalInit", StringComparison.Ordinal) ? " init;" : " set;";
            string required = Has(property.GetCustomAttributes(), "RequiredMemberAttribute") ? "required " : "";
            MethodAttributes access = reader.GetMethodDefinition(IsSeen(by.Getter, type) ? by.Getter : by.Setter).Attributes;
            yield return $"{required}{Modifiers(access)}{Text(property.Name)}{(signature.ParameterTypes.Length > 0 ? $"[{string.Join(", ", signature.ParameterTypes)}]" : "")} : {signature.ReturnType} {{{(IsSeen(by.Getter, type) ? " get;" : "")}{set} }}";
        }

        foreach (EventDefinition @event in type.GetEvents().Select(reader.GetEventDefinition).Where(e => IsSeen(e.GetAccessors().Adder, type)))
            yield return $"event {Text(@event.Name)} : {NameOf(@event.Type, type)}";
        foreach (MethodDefinition method in type.GetMethods().Select(reader.GetMethodDefinition).Where(m => IsSeen(m.Attributes, type) && IsOwn(m)))
            yield return Declare(method, type);
    }

    private string Declare(MethodDefinition method, TypeDefinition type)
    {
        MethodSignature<string> signature = method.DecodeSignature(this, [type.GetGenericParameters(), method.GetGenericParameters()]);
        Dictionary<int, Parameter> named = method.GetParameters().Select(reader.GetParameter).ToDictionary(p => p.SequenceNumber);
        IEnumerable<string> parameters = signature.ParameterTypes.Select((of, i) => !named.TryGetValue(i + 1, out Parameter p) ? of : $"{(p.Attributes.HasFlag(ParameterAttributes.Out) ? of.Replace("ref ", "out ", StringComparison.Ordinal) : of)} {Text(p.Name)}{(p.Attributes.HasFlag(ParameterAttributes.Optional) ? " = " + Constant(p.GetDefaultValue()).TrimStart(' ', '=') : "")}");
        return $"{Modifiers(method.Attributes)}{Text(method.Name)}{Parameters(method.GetGenericParameters())}({(Has(method.GetCustomAttributes(), "ExtensionAttribute") ? "this " : "")}{string.Join(", ", parameters)}) : {signature.ReturnType}";
    }

    /// <summary>Not what the compiler makes of a record or a property, and not what a base class has declared.</summary>
    private bool IsOwn(MethodDefinition method) =>
        (!method.Attributes.HasFlag(MethodAttributes.SpecialName) || Text(method.Name) is ".ctor" || Text(method.Name).StartsWith("op_", StringComparison.Ordinal))
        && (method.Attributes & Overrides) != MethodAttributes.Virtual && !Has(method.GetCustomAttributes(), "CompilerGeneratedAttribute");

    private bool IsSeen(MethodDefinitionHandle method, TypeDefinition type) => !method.IsNil && IsSeen(reader.GetMethodDefinition(method).Attributes, type);

    private static bool IsSeen(MethodAttributes attributes, TypeDefinition type) => (attributes & MethodAttributes.MemberAccessMask) switch
    {
        MethodAttributes.Public => true,
        MethodAttributes.Family or MethodAttributes.FamORAssem => !type.Attributes.HasFlag(TypeAttributes.Sealed),
        _ => false,
    };

    private static string Modifiers(MethodAttributes attributes) =>
        ((attributes & MethodAttributes.MemberAccessMask) is MethodAttributes.Public ? "" : "protected ")
        + (attributes.HasFlag(MethodAttributes.Static) ? "static " : attributes.HasFlag(MethodAttributes.Abstract) ? "abstract " : attributes.HasFlag(MethodAttributes.Virtual) && !attributes.HasFlag(MethodAttributes.Final) ? "virtual " : "");

    private bool Has(CustomAttributeHandleCollection attributes, string name) => attributes.Select(reader.GetCustomAttribute).Any(a => a.Constructor.Kind switch
    {
        HandleKind.MemberReference => NameOf(reader.GetMemberReference((MemberReferenceHandle)a.Constructor).Parent, default).EndsWith(name, StringComparison.Ordinal),
        _ => NameOf(reader.GetMethodDefinition((MethodDefinitionHandle)a.Constructor).GetDeclaringType(), default).EndsWith(name, StringComparison.Ordinal),
    });

    private string Constant(ConstantHandle handle)
    {
        if (handle.IsNil)
            return "";
        Constant constant = reader.GetConstant(handle);
        object? value = reader.GetBlobReader(constant.Value).ReadConstant(constant.TypeCode);
        return value is string text ? $" = \"{text}\"" : string.Create(CultureInfo.InvariantCulture, $" = {value ?? "default"}");
    }

    private string Parameters(GenericParameterHandleCollection generic) => generic.Count == 0 ? "" : $"<{string.Join(", ", generic.Select(p => Text(reader.GetGenericParameter(p).Name)))}>";

    private string Text(StringHandle handle) => reader.GetString(handle);

    private string NameOf(EntityHandle handle, TypeDefinition inside) => handle.IsNil ? "object" : handle.Kind switch
    {
        HandleKind.TypeDefinition => GetTypeFromDefinition(reader, (TypeDefinitionHandle)handle, 0),
        HandleKind.TypeReference => GetTypeFromReference(reader, (TypeReferenceHandle)handle, 0),
        _ => reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, [inside.GetGenericParameters()]),
    };

    private static string Full(string space, string name) => (space.Length > 0 ? $"{space}." : "") + name.Split('`')[0];

    public string GetTypeFromDefinition(MetadataReader r, TypeDefinitionHandle handle, byte kind)
    {
        TypeDefinition type = r.GetTypeDefinition(handle);
        return type.GetDeclaringType() is { IsNil: false } outer ? $"{GetTypeFromDefinition(r, outer, kind)}.{Full("", Text(type.Name))}" : Full(Text(type.Namespace), Text(type.Name));
    }

    public string GetTypeFromReference(MetadataReader r, TypeReferenceHandle handle, byte kind)
    {
        TypeReference type = r.GetTypeReference(handle);
        string name = type.ResolutionScope.Kind == HandleKind.TypeReference ? $"{GetTypeFromReference(r, (TypeReferenceHandle)type.ResolutionScope, kind)}.{Full("", Text(type.Name))}" : Full(Text(type.Namespace), Text(type.Name));
        return name == "System.Object" ? "object" : name;
    }

    public string GetTypeFromSpecification(MetadataReader r, GenericParameterHandleCollection[] context, TypeSpecificationHandle handle, byte kind) => r.GetTypeSpecification(handle).DecodeSignature(this, context);

    public string GetPrimitiveType(PrimitiveTypeCode code) => code switch { PrimitiveTypeCode.Int32 => "int", PrimitiveTypeCode.Int64 => "long", PrimitiveTypeCode.Boolean => "bool", _ => code.ToString().ToLowerInvariant() };

    public string GetGenericInstantiation(string type, ImmutableArray<string> arguments) => type == "System.Nullable" ? $"{arguments[0]}?" : $"{type}<{string.Join(", ", arguments)}>";

    public string GetGenericTypeParameter(GenericParameterHandleCollection[] context, int index) => Text(reader.GetGenericParameter(context[0][index]).Name);

    public string GetGenericMethodParameter(GenericParameterHandleCollection[] context, int index) => Text(reader.GetGenericParameter(context[1][index]).Name);

    public string GetSZArrayType(string type) => $"{type}[]";

    public string GetArrayType(string type, ArrayShape shape) => $"{type}[{new string(',', shape.Rank - 1)}]";

    public string GetByReferenceType(string type) => $"ref {type}";

    public string GetPointerType(string type) => $"{type}*";

    public string GetPinnedType(string type) => type;

    public string GetFunctionPointerType(MethodSignature<string> signature) => $"delegate*<{string.Join(", ", signature.ParameterTypes.Append(signature.ReturnType))}>";

    public string GetModifiedType(string modifier, string type, bool isRequired) => $"{type} modreq({modifier})";
}
